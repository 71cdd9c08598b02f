"""A custom `train_step`: an autoencoder with its own loss tracker, as the guide writes it."""
# AUTOLOG
import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(11)


class Autoencoder(keras.Model):
    def __init__(self):
        super().__init__()
        self.encoder = layers.Dense(3, activation="relu")
        self.decoder = layers.Dense(8)
        self.total = keras.metrics.Mean(name="reconstruction")

    @property
    def metrics(self):
        return [self.total]

    def call(self, x):
        return self.decoder(self.encoder(x))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        loss = keras.ops.mean(keras.ops.square(x - y_pred))
        self.total.update_state(loss)
        return loss


rng = np.random.default_rng(0)
signals = rng.normal(size=(128, 8)).astype("float32")
noisy = signals + 0.1 * rng.normal(size=signals.shape).astype("float32")

model = Autoencoder()
model.compile(optimizer=keras.optimizers.AdamW(0.01, weight_decay=0.004))
history = model.fit(signals, batch_size=16, epochs=3, shuffle=False, verbose=2)
print(history.history)
rebuilt = model.predict(noisy, verbose=0)
print(rebuilt.shape, float(((rebuilt - signals) ** 2).mean()) < 2)
