"""Data in batches: a generator, then a PyDataset with a validation set, then a DataLoader."""
# AUTOLOG
import keras
import numpy as np
import torch
from keras import layers

keras.utils.set_random_seed(5)
rng = np.random.default_rng(2)
rows = rng.normal(size=(120, 5)).astype("float32")
labels = rows.sum(axis=1, keepdims=True).astype("float32")
drawn = []


def batches():
    i = 0
    while True:
        drawn.append(i)
        yield rows[i : i + 20], labels[i : i + 20]
        i = (i + 20) % 120


class Rows(keras.utils.PyDataset):
    def __init__(self, x, y, batch_size, **kwargs):
        super().__init__(**kwargs)
        self.x, self.y, self.batch_size = x, y, batch_size

    def __len__(self):
        return len(self.x) // self.batch_size

    def __getitem__(self, index):
        low = index * self.batch_size
        return self.x[low : low + self.batch_size], self.y[low : low + self.batch_size]


def make(name):
    model = keras.Sequential([keras.Input((5,)), layers.Dense(4, activation="relu"), layers.Dense(1)], name=name)
    model.compile("sgd", "mse")
    return model


stream = batches()
first = make("streamed")
one = first.fit(stream, steps_per_epoch=6, epochs=2, verbose=0)
print(one.history, len(drawn))

train_set, valid_set = Rows(rows[:80], labels[:80], 16), Rows(rows[80:], labels[80:], 20)
second = make("sequenced")
two = second.fit(train_set, validation_data=valid_set, epochs=2, verbose=0)
print(two.history)

loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.tensor(rows), torch.tensor(labels)), batch_size=30)
third = make("loaded")
three = third.fit(loader, epochs=2, verbose=0)
print(three.history)
loss = third.evaluate(loader, verbose=0)
print("loss", loss)
