"""Movie reviews in miniature: an embedding, an LSTM, precision and recall, predictions by class."""
# AUTOLOG
import keras
import numpy as np
from keras import layers
from sklearn.metrics import classification_report, f1_score

keras.utils.set_random_seed(6)
rng = np.random.default_rng(3)
vocabulary, length = 40, 12
sequences = rng.integers(1, vocabulary, size=(240, length))
sentiment = (sequences[:, :6].mean(axis=1) > sequences[:, 6:].mean(axis=1)).astype("int32")
x_train, y_train = sequences[:180], sentiment[:180]
x_test, y_test = sequences[180:], sentiment[180:]

model = keras.Sequential(
    [
        layers.Embedding(vocabulary, 8, mask_zero=True),
        layers.Bidirectional(layers.LSTM(6)),
        layers.Dense(2, activation="softmax"),
    ],
    name="reviews",
)
model.compile(optimizer="nadam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])


class F1(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.values = []

    def on_epoch_end(self, epoch, logs=None):
        guess = self.model.predict(x_test, verbose=0).argmax(axis=1)
        self.values.append(f1_score(y_test, guess))


watch = F1()
history = model.fit(x_train, y_train, epochs=3, callbacks=[watch], verbose=0)
print(history.history, watch.values)
predicted = model.predict(x_test, verbose=0).argmax(axis=1)
report = classification_report(y_test, predicted, output_dict=True, zero_division=0)
print(classification_report(y_test, predicted, zero_division=0))
