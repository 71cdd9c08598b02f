"""A subclassed model with a registered class and its own config, trained twice."""
# AUTOLOG
import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(7)


@keras.saving.register_keras_serializable(package="demo")
class Regressor(keras.Model):
    def __init__(self, units=16, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.hidden = layers.Dense(units, activation="tanh")
        self.out = layers.Dense(1)

    def call(self, x, training=False):
        return self.out(self.hidden(x))

    def get_config(self):
        return {**super().get_config(), "units": self.units}


rng = np.random.default_rng(0)
features = rng.normal(size=(200, 3)).astype("float32")
target = (features @ np.array([1.0, -2.0, 0.5]) + 0.1 * rng.normal(size=200)).astype("float32")
holdout, holdout_target = features[150:], target[150:]

model = Regressor(units=8)
model.compile(optimizer=keras.optimizers.SGD(learning_rate=0.05, momentum=0.9), loss="mse", metrics=["mae"])
first = model.fit(features[:150], target[:150], epochs=3, verbose=0)
print("first", first.history["loss"])
model.optimizer.learning_rate = 0.01
second = model.fit(features[:150], target[:150], epochs=6, initial_epoch=3, verbose=0)
print("second", second.epoch, second.history["loss"])
results = model.evaluate(holdout, holdout_target, return_dict=True, verbose=0)
print(results)
