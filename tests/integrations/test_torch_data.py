"""torch: what a run says of its data, through loaders and without them."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import autolog
from autolog.view import RunView

torch = pytest.importorskip("torch", reason="torch is not installed")
numpy = pytest.importorskip("numpy")
nn, F = torch.nn, torch.nn.functional
from torch.utils.data import (  # noqa: E402
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    Subset,
    TensorDataset,
    random_split,
)

Only = Callable[[], RunView]
pytestmark = pytest.mark.filterwarnings("ignore")

X = torch.linspace(-1, 1, 64).view(32, 2)
Y = X.sum(1, keepdim=True)


@pytest.fixture(autouse=True)
def _no_models_left() -> Iterator[None]:
    yield
    autolog.disable()
    gc.collect()


def train(loader: Any, val_loader: Any = (), epochs: int = 2) -> Any:
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(epochs):
        for x, y in loader:
            loss = F.mse_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            for x, y in val_loader:
                F.mse_loss(model(x), y)
    return model


class Images(Dataset):  # type: ignore[misc]
    """As torchvision's are made: `data`, `targets`, a transform."""

    def __init__(self, transform: Any = None) -> None:
        self.data = numpy.arange(96, dtype="uint8").reshape(32, 3)
        self.targets = [float(i % 2) for i in range(32)]
        self.transform = transform

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, i: int) -> Any:
        return torch.tensor(self.data[i, :2]).float() / 255, torch.tensor([self.targets[i]])


class Scale:
    def __init__(self, by: float) -> None:
        self.by = by
        self._hidden = 1

    def __repr__(self) -> str:
        raise AssertionError("nobody asked")


class Compose:
    def __init__(self, transforms: list[Any]) -> None:
        self.transforms = transforms


def test_loaders_are_told_with_their_parts(run: Only) -> None:
    train_set, val_set = TensorDataset(X, Y), TensorDataset(X[:8] + 3, Y[:8])
    seeded = torch.Generator().manual_seed(5)
    train_loader = DataLoader(train_set, batch_size=5, shuffle=True, generator=seeded)
    valid_loader = DataLoader(val_set, batch_size=8)
    model = train(train_loader, valid_loader)
    found = run().datasets
    assert {name: (one["role"], one["shape"]) for name, one in found.items()} == {
        "train_loader": ("train", [32, 2]),
        "valid_loader": ("validation", [8, 2]),
    }
    first = found["train_loader"]
    assert first["digest"] != found["valid_loader"]["digest"]
    assert first["target"]["shape"] == [32, 1]
    assert first["batch"] == "float32[5, 2]"
    assert first["loader"] == {
        "batch_size": 5, "shuffle": True, "sampler": "RandomSampler", "num_workers": 0,
        "drop_last": False, "seed": 5,
    }  # fmt: skip
    assert found["valid_loader"]["rows_shared"] == 0
    del model


def test_parts_of_a_split_have_digests_of_their_own(run: Only) -> None:
    whole = TensorDataset(X, Y)
    train_part, test_part = random_split(whole, [24, 8], torch.Generator().manual_seed(1))
    train_loader = DataLoader(train_part, batch_size=8)
    test_loader = DataLoader(test_part, batch_size=8)
    model = train(train_loader, test_loader)
    found = run().datasets
    one, other = found["train_loader"], found["test_loader"]
    assert (one["role"], other["role"]) == ("train", "test")
    assert (one["shape"], other["shape"]) == ([24, 2], [8, 2])
    assert one["kind"] == "Subset"
    assert one["of"] == {"kind": "TensorDataset", "rows": 32}
    assert one["indices"] != other["indices"]
    assert one["digest"] != other["digest"]
    assert one["batch"] == "float32[8, 2]"
    del model


def test_equal_parts_have_equal_digests(run: Only) -> None:
    from autolog.integrations.torch import contents

    parts = [Subset(TensorDataset(X, Y), rows) for rows in ([1, 2], torch.tensor([1, 2]), [2, 1])]
    digests = [contents.form(part, 2)["digest"] for part in parts]
    assert digests[0] == digests[1] != digests[2]


def test_datasets_of_the_programs_own(run: Only) -> None:
    images = Images(Compose([Scale(2.0), F.relu, nn.ReLU]))
    loader = DataLoader(ConcatDataset([images, TensorDataset(X, Y)]), batch_size=16)
    model = train(loader, DataLoader(images, batch_size=32))
    found = run().datasets
    both = found["loader"]
    assert [part["rows"] for part in both["parts"]] == [32, 32]
    assert both["shape"] == [64]
    assert both["parts"][0]["transform"] == "Compose(Scale(by=2.0), relu, ReLU)"
    (own,) = [one for name, one in found.items() if name != "loader"]
    assert own["dataset"] == "Images"
    assert own["shape"] == [32, 3]
    assert own["target"]["shape"] == [32]
    del model


def test_a_stream_is_not_consumed(run: Only) -> None:
    taken = []

    class Stream(IterableDataset):  # type: ignore[misc]
        def __iter__(self) -> Iterator[Any]:
            for i in range(6):
                taken.append(i)
                yield X[i], Y[i]

        def __len__(self) -> int:
            raise AssertionError("nobody asked")

    loader = DataLoader(Stream(), batch_size=2)
    model = train(loader)
    assert taken == [*range(6)] * 2
    facts = run().datasets["loader"]
    assert facts["dataset"].endswith("Stream")
    assert "shape" not in facts
    del model


def test_a_whole_tensor_is_the_data(run: Only) -> None:
    X_train, noise = X.clone(), torch.randn(32, 2)
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(3):
        loss = F.mse_loss(model(X_train), Y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    found = run().datasets
    assert list(found) == ["X_train"]
    assert found["X_train"]["shape"] == [32, 2]
    assert "batch" not in found["X_train"]
    del noise


def step(model: Any, optimizer: Any, data: Any) -> None:
    loss = model(data).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def test_slices_by_hand_are_of_the_whole(run: Only) -> None:
    points, model = X.clone(), nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for i in range(0, 32, 8):
        step(model, optimizer, points[i : i + 8])
    found = run().datasets
    assert found["points"]["shape"] == [32, 2]
    assert found["points"]["batch"] == "float32[8, 2]"


def test_rows_picked_by_hand_are_of_the_whole(run: Only) -> None:
    points, model = X.clone(), nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(3):
        batch = points[torch.randperm(32)[:8]].to("cpu")
        step(model, optimizer, batch)
    assert run().datasets["points"]["shape"] == [32, 2]


def test_batches_that_are_drawn_are_no_data(run: Only) -> None:
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(3):
        batch = torch.randn(8, 2)
        step(model, optimizer, batch)
    assert run().datasets == {}
