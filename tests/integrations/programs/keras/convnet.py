"""Digits with a small convolutional network, as in the guide's simple MNIST convnet."""
# AUTOLOG
import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(1)
num_classes = 10
input_shape = (8, 8, 1)

digits = load_digits()
x = digits.images.astype("float32") / 16
x = np.expand_dims(x, -1)
y = keras.utils.to_categorical(digits.target, num_classes)
x_train, y_train = x[:500], y[:500]
x_test, y_test = x[500:700], y[500:700]
print("x_train shape:", x_train.shape)

model = keras.Sequential(
    [
        keras.Input(shape=input_shape),
        layers.Conv2D(8, kernel_size=(3, 3), activation="relu"),
        layers.MaxPooling2D(pool_size=(2, 2)),
        layers.Flatten(),
        layers.Dropout(0.5),
        layers.Dense(num_classes, activation="softmax"),
    ]
)
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
history = model.fit(x_train, y_train, batch_size=50, epochs=3, validation_split=0.1, verbose=2)

score = model.evaluate(x_test, y_test, verbose=0)
print("Test loss:", score[0])
print("Test accuracy:", score[1])
model.save_weights("digits.weights.h5")
print([w.shape for w in model.get_weights()])
