"""Transfer learning: a base is trained, frozen under a new head, then fine-tuned at a low rate."""
# AUTOLOG
import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(9)
rng = np.random.default_rng(4)
source = rng.normal(size=(160, 6)).astype("float32")
source_y = (source[:, 0] + source[:, 1] > 0).astype("int32")
small = rng.normal(size=(60, 6)).astype("float32")
small_y = (small[:, 0] > 0).astype("int32")

base = keras.Sequential([keras.Input((6,)), layers.Dense(8, activation="relu"), layers.BatchNormalization()], name="base")
pretext = keras.Sequential([base, layers.Dense(2, activation="softmax")], name="pretext")
pretext.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
before = pretext.fit(source, source_y, epochs=2, verbose=0)

base.trainable = False
inputs = keras.Input((6,))
outputs = layers.Dense(1, activation="sigmoid")(base(inputs, training=False))
model = keras.Model(inputs, outputs, name="target")
model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=[keras.metrics.BinaryAccuracy()])
head = model.fit(small, small_y, epochs=2, verbose=0)
frozen = sum(int(np.prod(w.shape)) for w in model.trainable_weights)

base.trainable = True
model.compile(keras.optimizers.Adam(1e-5), "binary_crossentropy", metrics=[keras.metrics.BinaryAccuracy()])
tuned = model.fit(small, small_y, epochs=2, verbose=0)
print(before.history, head.history, tuned.history)
print("trainable", frozen, sum(int(np.prod(w.shape)) for w in model.trainable_weights))
