"""Siamese network with a contrastive loss given as a closure."""
# AUTOLOG
import numpy as np
import keras
from keras import ops

keras.utils.set_random_seed(6)
epochs = 3
batch_size = 16
margin = 1

rng = np.random.default_rng(0)
x_train_1, x_train_2 = rng.normal(size=(2, 96, 8)).astype("float32")
labels_train = rng.integers(0, 2, 96).astype("float32")
x_val_1, x_val_2 = rng.normal(size=(2, 32, 8)).astype("float32")
labels_val = rng.integers(0, 2, 32).astype("float32")
x_test_1, x_test_2 = rng.normal(size=(2, 32, 8)).astype("float32")
labels_test = rng.integers(0, 2, 32).astype("float32")


def euclidean_distance(vects):
    x, y = vects
    sum_square = ops.sum(ops.square(x - y), axis=1, keepdims=True)
    return ops.sqrt(ops.maximum(sum_square, keras.backend.epsilon()))


input = keras.layers.Input((8,))
x = keras.layers.BatchNormalization()(input)
x = keras.layers.Dense(4, activation="tanh")(x)
embedding_network = keras.Model(input, x)
input_1 = keras.layers.Input((8,))
input_2 = keras.layers.Input((8,))
merge_layer = keras.layers.Lambda(euclidean_distance, output_shape=(1,))(
    [embedding_network(input_1), embedding_network(input_2)]
)
output_layer = keras.layers.Dense(1, activation="sigmoid")(keras.layers.BatchNormalization()(merge_layer))
siamese = keras.Model(inputs=[input_1, input_2], outputs=output_layer)


def loss(margin=1):
    def contrastive_loss(y_true, y_pred):
        square_pred = ops.square(y_pred)
        margin_square = ops.square(ops.maximum(margin - (y_pred), 0))
        return ops.mean((1 - y_true) * square_pred + (y_true) * margin_square)

    return contrastive_loss


siamese.compile(loss=loss(margin=margin), optimizer="RMSprop", metrics=["accuracy"])
siamese.summary()
history = siamese.fit(
    [x_train_1, x_train_2],
    labels_train,
    validation_data=([x_val_1, x_val_2], labels_val),
    batch_size=batch_size,
    epochs=epochs,
    verbose=2,
)
results = siamese.evaluate([x_test_1, x_test_2], labels_test, verbose=0)
print("test loss, test acc:", results)
predictions = siamese.predict([x_test_1, x_test_2], verbose=0)
