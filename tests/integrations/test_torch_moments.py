"""When a torch training begins, how its passes end, and what tells of it, as strangers write it."""

from __future__ import annotations

from pathlib import Path

import pytest
from torch_small import Play, play, values

pytest.importorskip("torch")

__all__ = ["play"]  # a fixture


def test_an_optimizer_that_calls_backward_often_in_a_step_is_no_training_by_hand(
    play: Play,
) -> None:
    losses, run = play("""
        def run():
            torch.manual_seed(0)
            y = X.square().sum(1, keepdim=True)
            layers = torch.nn.Linear(2, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1)
            model = torch.nn.Sequential(*layers)
            optimizer = torch.optim.LBFGS(model.parameters(), max_iter=30)
            seen = []
            for turn in range(2):
                def closure():
                    optimizer.zero_grad()
                    loss = torch.nn.functional.mse_loss(model(X), y)
                    loss.backward()
                    return loss
                seen.append(optimizer.step(closure).item())
                print(turn)
            return seen
        """)
    assert values(run, "loss") == losses
    assert run.params["optimizer"] == "LBFGS"


EARLY = """
    def evaluate(model):
        with torch.no_grad():
            return torch.nn.functional.mse_loss(model(X), X.sum(1, keepdim=True)).item()

    def run():
        model, optimizer = begun()
        seen = []
        {before}
        for turn in range(2):
            {within}
            for x, y in LOADER:
                step(optimizer, torch.nn.functional.mse_loss(model(x), y))
            {after}
        print("over")
        return seen
"""


@pytest.mark.parametrize("place", ["before", "within"])
def test_what_is_judged_before_the_first_step_in_the_loop_round_it_is_of_step_0(
    play: Play, place: str
) -> None:
    judged = "val_loss = evaluate(model); seen.append(val_loss); print(val_loss)"
    places = {"before": "", "within": "", "after": ""} | {place: judged}
    if place == "before":
        places["after"] = judged
    seen, run = play(EARLY.format(**places))
    assert values(run, "val_loss") == (seen if place == "within" else seen[1:])


def test_what_a_pass_comes_to_is_told_once_however_much_is_said_meanwhile(play: Play) -> None:
    means, run = play("""
        def error(model, x, y):
            return torch.nn.functional.mse_loss(model(x), y).sqrt()

        def evaluate(model):
            total = 0.0
            with torch.no_grad():
                for x in (X[:8], X[8:]):
                    y = x.sum(1, keepdim=True)
                    total += error(model, x, y).item()
                    print("so far", total)
            return total / 2

        def run():
            model, optimizer = begun()
            seen = []
            for turn in range(2):
                epoch(model, optimizer)
                val_rmse = evaluate(model)
                seen.append(val_rmse)
                print(f"rmse {val_rmse}")
            return seen
        """)
    assert values(run, "val_rmse") == means
    assert len(run.history("eval_loss")) == 2


def test_what_is_shown_in_a_training_by_hand_is_heard(play: Play) -> None:
    shown, run = play("""
        import math

        def run():
            model, _ = begun()
            seen = []
            for turn in range(3):
                for _ in range(10):
                    loss = torch.nn.functional.mse_loss(model(X), X.sum(1, keepdim=True))
                    model.zero_grad()
                    loss.backward()
                    for weight in model.parameters():
                        weight.data -= 0.01 * weight.grad
                seen[len(seen):] = [math.exp(loss.item())]
                print(f"ppl {math.exp(loss.item())}")
            return seen
        """)
    assert values(run, "ppl") == shown


def test_a_difference_of_clocks_is_no_metric(play: Play) -> None:
    _, run = play("""
        import time

        def run():
            model, optimizer = begun()
            t0 = time.time()
            for turn in range(2):
                epoch(model, optimizer)
                t1 = time.time()
                dt = t1 - t0
                score = 0.5 + dt
                t0 = t1
                print(dt, score)
        """)
    assert "dt" not in run.series
    assert "score" in run.series


@pytest.mark.parametrize("opened", [False, True])
def test_a_whole_model_that_is_loaded_again_is_judged_for_its_training(
    opened: bool, play: Play, tmp_path: Path
) -> None:
    test_loss, run = play(
        """
        def evaluate(model):
            model.eval()
            total = 0.0
            with torch.no_grad():
                for x, y in LOADER:
                    total += torch.nn.functional.mse_loss(model(x), y).item()
            return total / len(LOADER)

        def run(path, opened):
            model, optimizer = begun()
            epoch(model, optimizer)
            if opened:
                with open(path, "wb") as file:
                    torch.save(model, file)
            else:
                torch.save(model, path)
            epoch(model, optimizer)
            del optimizer
            model = torch.load(path, weights_only=False)
            test_loss = evaluate(model)
            print(f"| End of training | test loss {test_loss:5.2f}")
            return test_loss
        """,
        tmp_path / "best.pt",
        opened,
    )
    assert run.metrics["test_loss"] == test_loss
    assert run.status == "finished"
    assert run.tables["checkpoints"]["columns"]["file"] == [str(tmp_path / "best.pt")]


def test_a_pass_that_is_cut_short_is_known_by_what_follows_it(play: Play) -> None:
    told, run = play("""
        def run():
            model, optimizer = begun(2)
            seen = []
            for turn in range(3):
                for x, y in LABELLED:
                    step(optimizer, torch.nn.functional.cross_entropy(model(x), y))
                correct = 0
                with torch.no_grad():
                    for number, (x, y) in enumerate(LABELLED):
                        if number * 4 >= 12:
                            break
                        correct += model(x).argmax(1).eq(y).sum().item()
                accuracy = correct / min(len(LABELLED.dataset), 12)
                seen.append(accuracy)
            return seen
        """)
    assert values(run, "accuracy") == told
