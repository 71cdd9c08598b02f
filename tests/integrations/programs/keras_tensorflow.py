"""What Keras does on TensorFlow alone: datasets, traced steps, strategies, XLA."""

import hashlib
import numpy as np
import tensorflow as tf
from tensorflow import keras

keras.utils.set_random_seed(1)
X = np.random.default_rng(0).normal(size=(200, 6)).astype("float32")
y = (X[:, 0] > 0).astype("float32")[:, None]
drawn, traced = [], []

def model(name, optimizer="adam", **told):
    layers = [keras.layers.Dense(8, "relu"), keras.layers.Dropout(0.2), keras.layers.Dense(1, "sigmoid")]
    made = keras.Sequential([keras.Input((6,)), *layers], name=name)
    made.compile(optimizer, "binary_crossentropy", metrics=["accuracy"], **told)
    return made

def rows():
    for i in range(6):
        drawn.append(i)
        yield X[i * 8:i * 8 + 8], y[i * 8:i * 8 + 8]

def said(what, found, model):
    weights = [hashlib.sha256(one.tobytes()).hexdigest()[:8] for one in model.get_weights()]
    print(what, getattr(found, "history", found), weights)

# 0: a dataset that knows its length
ds = tf.data.Dataset.from_tensor_slices((X, y)).shuffle(200, seed=1).batch(32).prefetch(1)
val = tf.data.Dataset.from_tensor_slices((X[:50], y[:50])).batch(16)
one = model("known")
said("known", one.fit(ds, epochs=2, validation_data=val, verbose=0), one)

# 1: one that does not
spec = tf.TensorSpec((None, 6), tf.float32), tf.TensorSpec((None, None), tf.float32)
one = model("unknown")
said("unknown", one.fit(tf.data.Dataset.from_generator(rows, output_signature=spec), epochs=2, verbose=0), one)
print(drawn)

# 2, 3: a step of its own, in a class that its first batch builds
class Own(keras.Model):
    def __init__(self):
        super().__init__()
        self.side = keras.layers.Dense(1, "sigmoid")

    def call(self, x):
        return self.side(x)

    def train_step(self, data):
        traced.append("step")
        x, y = data
        with tf.GradientTape() as tape:
            loss = self.compute_loss(y=y, y_pred=self(x, training=True))
        weights = self.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
        return {"loss": loss}

own = Own()
own.compile("sgd", "mse")
said("own", own.fit(X, y, epochs=2, validation_split=0.2, verbose=0), own)
said("again", own.fit(X, y, verbose=0), own)

# 4: by hand, a batch a call
one = model("loop")
said("loop", [one.train_on_batch(X[:20], y[:20], return_dict=True) for _ in range(3)], one)
said("loop", one.test_on_batch(X, y), one)

# no run: a loop with a tape
one, sgd, loss_of = model("tape"), keras.optimizers.SGD(0.1), keras.losses.BinaryCrossentropy()

@tf.function
def step(x, target):
    traced.append("tape")
    with tf.GradientTape() as tape:
        loss = loss_of(target, one(x, training=True))
    sgd.apply(tape.gradient(loss, one.trainable_variables), one.trainable_variables)
    return loss

said("tape", [float(step(*pair)) for pair in ds], one)

# 5: several devices, if there were any
with tf.distribute.MirroredStrategy(["/cpu:0"]).scope():
    one = model("mirrored")
said("mirrored", one.fit(ds, epochs=1, validation_data=(X, y), verbose=0), one)

# 6: compiled by XLA, in half precision, tensors as data
keras.mixed_precision.set_global_policy("mixed_float16")
one = model("compiled", jit_compile=True, steps_per_execution=2)
keras.mixed_precision.set_global_policy("float32")
tensors, targets = tf.constant(X), tf.constant(y)
said("compiled", one.fit(tensors, targets, epochs=1, verbose=0), one)

# 7, 8: saved, and trained on
one = model("kept", keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 20)))
said("kept", one.fit(X, y, epochs=2, verbose=0), one)
print(float(one.optimizer.learning_rate))
one.save("kept.keras")
again = keras.models.load_model("kept.keras")
said("loaded", again.evaluate(X, y, verbose=0), again)
said("loaded", again.fit(X, y, verbose=0), again)
print(traced, keras.Sequential().name, np.random.rand(), float(tf.random.uniform(())))
