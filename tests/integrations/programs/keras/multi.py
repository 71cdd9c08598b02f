"""Tickets: two inputs and two outputs with losses of their own, given as dicts."""
# AUTOLOG
import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(3)
rng = np.random.default_rng(5)
title_data = rng.integers(1, 50, size=(160, 6))
tags_data = rng.integers(0, 2, size=(160, 4)).astype("float32")
priority_targets = rng.random(size=(160, 1)).astype("float32")
dept_targets = rng.integers(0, 3, size=(160,))

title = keras.Input(shape=(None,), dtype="int32", name="title")
tags = keras.Input(shape=(4,), name="tags")
h = layers.Embedding(50, 8)(title)
h = layers.LSTM(8)(h)
h = layers.concatenate([h, tags])
priority = layers.Dense(1, name="priority")(h)
department = layers.Dense(3, name="department")(h)
model = keras.Model(inputs={"title": title, "tags": tags}, outputs={"priority": priority, "department": department})

model.compile(
    optimizer=keras.optimizers.RMSprop(1e-3),
    loss={
        "priority": keras.losses.MeanSquaredError(),
        "department": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    },
    loss_weights={"priority": 1.0, "department": 0.2},
    metrics={"department": ["accuracy"]},
)
inputs = {"title": title_data, "tags": tags_data}
targets = {"priority": priority_targets, "department": dept_targets}
history = model.fit(inputs, targets, epochs=2, batch_size=32, verbose=0)
for name, values in history.history.items():
    print(name, values)
scores = model.evaluate(inputs, targets, verbose=0, return_dict=True)
print(scores)
answer = model.predict({"title": title_data[:2], "tags": tags_data[:2]}, verbose=0)
print({name: value.shape for name, value in answer.items()})
