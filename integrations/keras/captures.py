"""What each hook records, in words, for `autolog doctor --explain`."""

from __future__ import annotations

from autolog.integration import Captured

CAPTURES = {
    "fit": (
        Captured("param", "epochs, batch_size and the other arguments of fit, as effective"),
        Captured("param", "optimizer_<key>, loss, metrics, jit_compile, dtype_policy, run_eagerly"),
        Captured("param", "callbacks and their settings: early_stopping_patience, …"),
        Captured("param", "total_params, trainable_params, non_trainable_params"),
        Captured("tag", "model_class, model_name, keras_version, keras_backend and its version"),
        Captured("tag", "continued_from: the run that trained this model before"),
        Captured(
            "dataset", "x, y, sample_weight, validation data: shape, types, digest", "datasets"
        ),
        Captured("dataset", "statistics of their columns, counts of classes", "statistics"),
        Captured("artifact", "model_summary.txt", "summary"),
        Captured("table", "layers: name, class, output shape, params, trainable", "summary"),
        Captured("model", "the fitted model as .keras archive", "models"),
        Captured("artifact", "the best epoch's weights and the last", "checkpoint"),
    ),
    "callbacks": (
        Captured("metric", "the epoch's logs under Keras's own names: loss, val_accuracy, …"),
        Captured("metric", "learning_rate, epoch_time, samples_per_second by epoch"),
        Captured("metric", "stopped_epoch, best_epoch, best_<monitor>, restored_<name>"),
        Captured("metric", "batch_<name>, every so many batches", "log_every_n_steps"),
    ),
    "data": (Captured("param", "batch_size and steps_per_epoch where the data say them"),),
    "evaluate": (
        Captured("metric", "loss_x_test, accuracy_x_test: the number, the call, its place"),
        Captured("dataset", "the data that it was evaluated on, with its role", "datasets"),
    ),
    "measured": (
        Captured("metric", "what a metric came to in a loop of the program's own, by its step"),
    ),
    "batch": (
        Captured("metric", "loss and metrics of train_on_batch by step; steps, samples_seen"),
        Captured("metric", "loss_x_val of test_on_batch, at the loop's step"),
        Captured("model", "the model, when the loop is over", "models"),
    ),
    "flattened": (),
    "predict": (Captured("dataset", "the data that was predicted from", "datasets"),),
}
