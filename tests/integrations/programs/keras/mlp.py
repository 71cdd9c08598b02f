"""A classifier of two moons with the functional API: early stopping, a learning rate that drops."""
# AUTOLOG
import keras
import numpy as np
from keras import layers
from sklearn.datasets import make_moons
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(42)

X, y = make_moons(n_samples=600, noise=0.25, random_state=0)
X = X.astype("float32")
x_train, x_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=0)
x_train, x_val, y_train, y_val = train_test_split(x_train, y_train, test_size=0.2, random_state=0)

inputs = keras.Input(shape=(2,), name="point")
h = layers.Dense(16, activation="relu", name="hidden")(inputs)
h = layers.Dropout(0.1)(h)
outputs = layers.Dense(1, activation="sigmoid", name="side")(h)
model = keras.Model(inputs, outputs, name="moons")
model.summary()

model.compile(
    optimizer=keras.optimizers.Adam(learning_rate=0.05),
    loss="binary_crossentropy",
    metrics=["accuracy"],
)
stop = keras.callbacks.EarlyStopping(monitor="val_loss", patience=3, restore_best_weights=True)
plateau = keras.callbacks.ReduceLROnPlateau(factor=0.5, patience=1)
checkpoint = keras.callbacks.ModelCheckpoint("best.weights.h5", save_best_only=True, save_weights_only=True)
history = model.fit(
    x_train,
    y_train,
    batch_size=64,
    epochs=40,
    validation_data=(x_val, y_val),
    callbacks=[stop, plateau, checkpoint],
    verbose=2,
)

test_scores = model.evaluate(x_test, y_test, verbose=0)
print("Test loss:", test_scores[0])
print("Test accuracy:", test_scores[1])

probability = model.predict(x_test, verbose=0).ravel()
accuracy = accuracy_score(y_test, probability > 0.5)
auc = roc_auc_score(y_test, probability)
print("accuracy %.4f, AUC %.4f" % (accuracy, auc))
print("best epoch", stop.best_epoch, "of", len(history.epoch), "rates", history.history["learning_rate"])
