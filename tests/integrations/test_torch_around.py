"""Libraries that train with torch: each leaves one run that says what its own records say."""

from __future__ import annotations

import os
import pkgutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest

import autolog
from autolog.view import RunView

torch = pytest.importorskip("torch", reason="torch is not installed")
Only = Callable[[], RunView]
Runs = Callable[[], list[RunView]]
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is fetched; what the libraries set in the environment goes again."""
    before = dict(os.environ)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    yield
    os.environ.clear()
    os.environ.update(before)


def data(rows: int, seed: int) -> tuple[Any, Any]:
    made = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, 8, generator=made)
    return x, x[:, :3].argmax(1)


def network() -> Any:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(8, 6), torch.nn.ReLU(), torch.nn.Linear(6, 3))


def values(run: RunView, key: str) -> list[float]:
    return [point.value for point in run.history(key)]


def without(train: Callable[[], Any]) -> Any:
    """What a training comes to that is not recorded."""
    with autolog.paused():
        return train()


def test_the_places_of_the_lean_hooks_are_there() -> None:
    from autolog.integrations.torch import Torch

    assert Torch.installed
    assert all(callable(pkgutil.resolve_name(place)) for place in Torch.installed)


# -- accelerate --------------------------------------------------------------------------------


def accelerated() -> dict[str, list[float]]:
    accelerate = pytest.importorskip("accelerate", reason="accelerate is not installed")
    from torch.utils.data import DataLoader, TensorDataset

    accelerator = accelerate.Accelerator(cpu=True, gradient_accumulation_steps=2)
    model = network()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 4, 0.9)
    train_loader = DataLoader(TensorDataset(*data(96, 1)), batch_size=16, shuffle=True)
    val_loader = DataLoader(TensorDataset(*data(32, 2)), batch_size=16)
    parts = accelerator.prepare(model, optimizer, train_loader, val_loader, scheduler)
    model, optimizer, train_loader, val_loader, scheduler = parts
    found: dict[str, list[float]] = {"loss": [], "grad_norm": [], "val_acc": []}
    halves = []
    for _ in range(2):
        model.train()
        for inputs, targets in train_loader:
            with accelerator.accumulate(model):
                loss = torch.nn.functional.cross_entropy(model(inputs), targets)
                accelerator.backward(loss)
                norm = accelerator.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                scheduler.step()
                optimizer.zero_grad()
                halves.append(loss.item())
                if accelerator.sync_gradients:
                    found["loss"].append(sum(halves[-2:]) / 2)
                    found["grad_norm"].append(norm.item())
        model.eval()
        correct = total = 0
        with torch.no_grad():
            for inputs, targets in val_loader:
                guess = model(inputs).argmax(1)
                guess, targets = accelerator.gather_for_metrics((guess, targets))
                correct += (guess == targets).sum().item()
                total += len(targets)
        val_acc = correct / total
        found["val_acc"].append(val_acc)
    return found


def test_accelerate(uri: str, run: Only) -> None:
    plain = without(accelerated)
    assert accelerated() == plain
    found = run()
    assert values(found, "loss") == pytest.approx(plain["loss"], rel=1e-6)
    assert values(found, "grad_norm") == plain["grad_norm"]
    assert values(found, "val_acc") == plain["val_acc"]
    assert (found.params["batch_size"], found.params["shuffle"]) == (16, True)
    assert (found.params["optimizer"], found.params["scheduler"]) == ("AdamW", "StepLR")
    assert "grad_norm_2" not in found.series
    assert found.metrics["epoch"] == 2


# -- skorch ------------------------------------------------------------------------------------


def skorched(**settings: Any) -> Any:
    skorch = pytest.importorskip("skorch", reason="skorch is not installed")
    torch.manual_seed(0)
    schedule = skorch.callbacks.LRScheduler("StepLR", step_size=2, gamma=0.5)
    return skorch.NeuralNetClassifier(
        torch.nn.Linear, module__in_features=8, module__out_features=3, max_epochs=3, lr=0.1,
        criterion=torch.nn.CrossEntropyLoss, verbose=0, callbacks=[schedule], **settings,
    )  # fmt: skip


def arrays() -> tuple[Any, Any]:
    x, y = data(90, 1)
    return x.numpy(), y.numpy()


def test_the_epochs_of_skorch(uri: str, run: Only) -> None:
    plain = without(lambda: skorched().fit(*arrays()))
    net = skorched().fit(*arrays())
    found = run()
    for key in ("train_loss", "valid_loss", "valid_acc"):
        assert values(found, key) == list(net.history[:, key]) == list(plain.history[:, key])
    assert [(p.step, p.value) for p in found.history("lr")] == [(1, 0.1), (2, 0.05)]
    assert found.history("valid_acc").unit == "epoch"
    assert found.params["model_parameters"] == 27
    assert values(found, "epoch_time") == list(net.history[:, "dur"])


def test_skorch_without_validation_goes_on(uri: str, runs: Runs) -> None:
    net = skorched(train_split=None).fit(*arrays())
    net.partial_fit(*arrays())
    first = runs()[0]
    assert values(first, "train_loss")[:3] == list(net.history[:3, "train_loss"])
    assert "valid_loss" not in first.series


def test_only_the_refit_of_a_search_has_its_epochs(uri: str, run: Only) -> None:
    from sklearn.model_selection import GridSearchCV

    search = GridSearchCV(skorched(), {"lr": [0.1, 0.2]}, cv=2).fit(*arrays())
    best = search.best_estimator_
    assert values(run(), "train_loss") == list(best.history[:, "train_loss"])


# -- Hugging Face's Trainer --------------------------------------------------------------------


class Sentences(torch.utils.data.Dataset):  # type: ignore[misc]
    def __init__(self, rows: int, seed: int) -> None:
        made = torch.Generator().manual_seed(seed)
        self.x = torch.randint(0, 50, (rows, 6), generator=made)

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, i: int) -> dict[str, Any]:
        return {"input_ids": self.x[i], "labels": (self.x[i, 0] > 25).long()}


def hugging(place: Path) -> Any:
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    pytest.importorskip("accelerate", reason="accelerate is not installed")
    transformers.set_seed(0)
    config = transformers.BertConfig(
        vocab_size=50, hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=8, max_position_embeddings=8,
    )  # fmt: skip
    told = transformers.TrainingArguments(
        str(place), num_train_epochs=2, per_device_train_batch_size=16, learning_rate=1e-3,
        eval_strategy="epoch", logging_steps=1, save_strategy="no", report_to=[],
        disable_tqdm=True, use_cpu=True,
    )  # fmt: skip
    trainer = transformers.Trainer(
        model=transformers.BertForSequenceClassification(config), args=told,
        train_dataset=Sentences(64, 0), eval_dataset=Sentences(32, 1),
        compute_metrics=lambda p: {"accuracy": (p.predictions.argmax(-1) == p.label_ids).mean()},
    )  # fmt: skip
    trainer.train()
    return trainer


def test_the_trainer_of_transformers(uri: str, run: Only, tmp_path: Path) -> None:
    plain = without(lambda: hugging(tmp_path))
    trainer = hugging(tmp_path)
    found = run()
    assert trainer.state.log_history[0]["loss"] == plain.state.log_history[0]["loss"]
    logged = {
        key: [row[key] for row in trainer.state.log_history if key in row]
        for key in ("loss", "grad_norm", "learning_rate", "eval_loss", "eval_accuracy")
    }
    # Before transformers 5 the Trainer rounds what it logs of the loss.
    assert values(found, "loss") == pytest.approx(logged["loss"], abs=5.1e-5)
    assert values(found, "grad_norm") == pytest.approx(logged["grad_norm"], rel=1e-6)
    assert values(found, "eval_loss") == pytest.approx(logged["eval_loss"], rel=1e-6)
    assert values(found, "eval_accuracy") == logged["eval_accuracy"]
    assert found.params["per_device_train_batch_size"] == 16
    assert found.params["learning_rate"] == 1e-3
    assert found.name == "BertForSequenceClassification"


# -- fastai ------------------------------------------------------------------------------------


def learner() -> Any:
    pytest.importorskip("fastai.basics", reason="fastai is not installed", exc_type=ImportError)
    from fastai.callback import schedule  # noqa: F401
    from fastai.data.core import DataLoaders
    from fastai.data.load import DataLoader
    from fastai.learner import Learner
    from fastai.metrics import accuracy

    numpy.random.seed(0)
    train, valid = (list(zip(*data(rows, 1), strict=True)) for rows in (64, 32))
    loaders = DataLoaders(DataLoader(train, bs=16, shuffle=True), DataLoader(valid, bs=16))
    loss = torch.nn.CrossEntropyLoss()
    return Learner(loaders, network(), loss_func=loss, metrics=accuracy)


def test_the_table_of_fastai(uri: str, runs: Runs) -> None:
    found = learner()
    with found.no_bar(), found.no_logging():
        found.lr_find(num_it=4, show_plot=False)
        assert runs() == []
        found.fit_one_cycle(3, 1e-2)
    (run,) = runs()
    columns = list(zip(*found.recorder.values, strict=True))
    for key, column in zip(("train_loss", "valid_loss", "accuracy"), columns, strict=True):
        assert values(run, key) == list(column)
    assert values(run, "lr") == found.recorder.lrs
    assert len(values(run, "loss")) == len(found.recorder.lrs)
    assert values(run, "epoch") == [1, 2, 3]
    assert (run.params["optimizer"], run.params["batch_size"]) == ("Adam", 16)
    assert not {"eval_loss", "val_loss"} & set(run.series)


# -- metrics of Keras --------------------------------------------------------------------------


def test_a_metric_of_keras_in_a_loop_by_hand(uri: str, run: Only) -> None:
    keras = pytest.importorskip("keras", reason="keras is not installed")
    model, (x, y) = network(), data(32, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    train_acc_metric = keras.metrics.SparseCategoricalAccuracy()
    val_acc_metric = keras.metrics.SparseCategoricalAccuracy()
    seen: dict[str, list[float]] = {"train_acc": [], "val_acc": []}
    for _ in range(3):
        outputs = model(x)
        loss = torch.nn.functional.cross_entropy(outputs, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        train_acc_metric.update_state(y, outputs.detach())
        train_acc = train_acc_metric.result()
        seen["train_acc"].append(float(train_acc))
        val_acc_metric(y[:9], model(x[:9]).detach())
        print(f"validation: {float(val_acc_metric.result()):.3f}")
        seen["val_acc"].append(float((model(x[:9]).argmax(1) == y[:9]).float().mean()))
        train_acc_metric.reset_state()
        val_acc_metric.reset_state()
    found = run()
    for key, expected in seen.items():
        assert values(found, key) == expected
    assert [p.step for p in found.history("val_acc")] == [1, 2, 3]
    assert set(found.series) == {"loss", "lr", "train_acc", "val_acc"}
