"""torch: trainings in several processes, started in every way."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import autolog

pytest.importorskip("torch", reason="torch is not installed")
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

WORKERS = """
import sys
import torch
import torch.multiprocessing as mp
from torch import nn
from torch.utils.data import DataLoader, Dataset
class Squares(Dataset):
    # What workers compute is data, also where they make steps for it.
    def __len__(self):
        return 6
    def __getitem__(self, i):
        part = nn.Linear(1, 1)
        optimizer = torch.optim.SGD(part.parameters(), lr=0.1)
        part(torch.ones(1)).sum().backward()
        optimizer.step()
        return torch.tensor([float(i), float("autolog" in sys.modules)])
def train(rank, model):
    torch.manual_seed(rank)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(5):
        loss = model(torch.ones(4, 2)).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
if __name__ == "__main__":
    from autolog import autolog
    autolog()
    method = sys.argv[1] if len(sys.argv) > 1 else "METHOD"
    mp.set_start_method(method)
    model = nn.Linear(2, 1)
    model.share_memory()
    processes = [mp.Process(target=train, args=(rank, model)) for rank in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    loader = DataLoader(Squares(), batch_size=3, num_workers=1, persistent_workers=True)
    for _ in range(2):
        for batch in loader:
            pass
    print([process.exitcode for process in processes], batch[:, 1].max().item())
"""


@pytest.mark.parametrize("method", ["spawn", "fork", "forkserver"])
def test_workers_that_train_record_and_those_of_loaders_do_not(
    program: Callable[..., Any], method: str
) -> None:
    done, found = program(WORKERS.replace("METHOD", method))
    inside = "1.0" if method == "fork" else "0.0"
    assert done.stdout == f"[0, 0] {inside}\n"
    assert [(run.name, run.status) for run in found] == [("Linear", "finished")] * 2
    assert sorted(run.params["rank"] for run in found) == [0, 1]
    assert [len(run.history("loss")) for run in found] == [5, 5]
    assert all("path" in run.models["model"] for run in found)


TOGETHER = """
import os
from autolog import autolog
autolog()
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset
dist.init_process_group("gloo")
rank = dist.get_rank()
torch.manual_seed(0)
x = torch.randn(32, 4)
data = TensorDataset(x, x.sum(1, keepdim=True))
train_loader = DataLoader(data, batch_size=8, sampler=DistributedSampler(data))
def train():
    model = DistributedDataParallel(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1)))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    losses = []
    for epoch in range(2):
        train_loader.sampler.set_epoch(epoch)
        for inputs, targets in train_loader:
            loss = nn.functional.mse_loss(model(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return losses, model.module.state_dict()
losses, weights = train()
autolog(torch={"ranks": True})
torch.save([losses, weights, *train()], f"rank{rank}.pt")
dist.destroy_process_group()
"""


def test_processes_that_train_together_are_one_run_or_on_request_one_each(tmp_path: Path) -> None:
    import torch

    (tmp_path / "train.py").write_text(TOGETHER, "utf-8")
    store = tmp_path / "autolog-runs"
    command = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "train.py"]
    variables = {**os.environ, "AUTOLOG_BACKEND": str(store), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *command], cwd=tmp_path, env=variables, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found = list(autolog.search_runs(backend=store))[::-1]
    assert sorted(run.tags["rank"] for run in found) == ["0", "0", "1"]
    for rank in (0, 1):
        alone, weights, *every = torch.load(tmp_path / f"rank{rank}.pt")
        own = [run for run in found if run.tags["rank"] == str(rank)]
        expected = [(alone, weights), every] if rank == 0 else [every]
        for run, (losses, state) in zip(own, expected, strict=True):
            assert [point.value for point in run.history("loss")] == losses
            assert run.tags["world_size"] == "2"
            model = run.load_model(trust=True)
            assert all(torch.equal(v, state[name]) for name, v in model.state_dict().items())
