"""A schedule of the learning rate, a logistic regression by `LearningRateScheduler`, class weights."""
# AUTOLOG
import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(2)
rng = np.random.default_rng(8)
X = rng.normal(size=(200, 4)).astype("float32")
y = (X[:, 0] > 0.8).astype("float32")
weights = np.where(y > 0, 2.0, 1.0).astype("float32")

decay = keras.optimizers.schedules.ExponentialDecay(0.1, decay_steps=10, decay_rate=0.9, staircase=True)
model = keras.Sequential([keras.Input((4,)), layers.Dense(1, activation="sigmoid")])
model.compile(keras.optimizers.SGD(decay), keras.losses.BinaryCrossentropy(label_smoothing=0.1), metrics=["accuracy", keras.metrics.AUC(name="auc")])
rates = []
watch = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: rates.append(float(model.optimizer.learning_rate)))
one = model.fit(X, y, epochs=3, batch_size=25, sample_weight=weights, callbacks=[watch], verbose=0)
print(one.history, rates)



class Warmup(keras.optimizers.schedules.LearningRateSchedule):
    asked = 0

    def __init__(self, peak, steps):
        self.peak, self.steps = peak, steps

    def __call__(self, step):
        Warmup.asked += 1
        step = keras.ops.cast(step, "float32")
        return self.peak * keras.ops.minimum(step / self.steps, 1.0)

    def get_config(self):
        return {"peak": self.peak, "steps": self.steps}


warm = keras.Sequential([keras.Input((4,)), layers.Dense(1, activation="sigmoid")], name="warm")
warm.compile(keras.optimizers.Adam(Warmup(0.1, 20)), "binary_crossentropy")
told = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(learning_rate=float(warm.optimizer.learning_rate)))
three = warm.fit(X, y, epochs=3, callbacks=[told], verbose=0)
print(three.history, "asked", Warmup.asked)

other = keras.Sequential([keras.Input((4,)), layers.Dense(1, activation="sigmoid")], name="other")
other.compile("sgd", "binary_crossentropy")
step = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.1 / (epoch + 1))
two = other.fit(X, y, epochs=3, callbacks=step, class_weight={0: 1.0, 1: 3.0}, verbose=0)
print(two.history)
