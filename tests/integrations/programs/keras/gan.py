"""A GAN by hand: `train_on_batch` of the critic, then of the stacked model with the critic frozen."""
# AUTOLOG
import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(13)
rng = np.random.default_rng(7)
real = rng.normal(2.0, 0.5, size=(128, 2)).astype("float32")

generator = keras.Sequential([keras.Input((3,)), layers.Dense(8, activation="relu"), layers.Dense(2)], name="generator")
critic = keras.Sequential([keras.Input((2,)), layers.Dense(8, activation="relu"), layers.Dense(1, activation="sigmoid")], name="critic")
critic.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
critic.trainable = False
gan = keras.Sequential([keras.Input((3,)), generator, critic], name="gan")
gan.compile(keras.optimizers.Adam(0.005), "binary_crossentropy")

critic_losses, gan_losses = [], []
for step in range(6):
    noise = rng.normal(size=(16, 3)).astype("float32")
    fake = generator.predict(noise, verbose=0)
    batch = np.concatenate([real[step * 16 : step * 16 + 16], fake])
    answer = np.concatenate([np.ones((16, 1)), np.zeros((16, 1))])
    critic.trainable = True
    loss, accuracy = critic.train_on_batch(batch, answer)
    critic.trainable = False
    critic_losses.append(float(loss))
    gan_losses.append(float(gan.train_on_batch(noise, np.ones((16, 1)))))
print(critic_losses, gan_losses)
