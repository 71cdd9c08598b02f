"""PyDataset and mixed precision, a torch DataLoader, a generator with validation."""
# AUTOLOG
import math
import numpy as np
import keras
import torch
from keras import layers

keras.utils.set_random_seed(11)
keras.mixed_precision.set_global_policy("mixed_bfloat16")


class Frames(keras.utils.PyDataset):
    def __init__(self, x, y, batch_size, **kwargs):
        super().__init__(**kwargs)
        self.x, self.y, self.batch_size = x, y, batch_size

    def __len__(self):
        return math.ceil(len(self.x) / self.batch_size)

    def __getitem__(self, idx):
        low = idx * self.batch_size
        high = min(low + self.batch_size, len(self.x))
        return self.x[low:high], self.y[low:high]

    def on_epoch_end(self):
        print("reshuffle")


rng = np.random.default_rng(0)
X = rng.normal(size=(100, 6)).astype("float32")
Y = rng.integers(0, 3, 100)
train_ds = Frames(X[:80], Y[:80], 32)
val_ds = Frames(X[80:], Y[80:], 32)
model = keras.Sequential([layers.Input((6,)), layers.Dense(8, "relu"), layers.Dense(3, activation="softmax", dtype="float32")])
model.compile("sgd", "sparse_categorical_crossentropy", metrics=["sparse_categorical_accuracy"])
history = model.fit(train_ds, validation_data=val_ds, epochs=2, verbose=2)
results = model.evaluate(val_ds, verbose=0)
print(results)
keras.mixed_precision.set_global_policy("float32")

loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(Y)), batch_size=25)
other = keras.Sequential([layers.Input((6,)), layers.Dense(3)], name="loaded")
other.compile("adamax", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
h2 = other.fit(loader, epochs=2, verbose=0)


def batches():
    while True:
        yield X[:20], Y[:20]


h3 = other.fit(batches(), steps_per_epoch=4, epochs=1, validation_data=(X[80:], Y[80:]), validation_steps=1, verbose=0)
print(h2.history, h3.history)
