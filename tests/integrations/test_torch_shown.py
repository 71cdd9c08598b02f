"""Numbers that a program shows, logs by name or keeps, in the manners of strangers' programs."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
from torch_small import Play, play, values

pytest.importorskip("torch")

__all__ = ["play"]  # a fixture


def test_a_function_that_asks_for_another_objects_variables_is_looked_at(play: Play) -> None:
    kept, run = play(
        """
        def run(args):
            settings = vars(args)
            width, kept = 2, []
            model, optimizer = begun()
            for _ in range(3):
                epoch(model, optimizer)
                score = float(model.weight.detach().sum())
                kept.append(score)
                print(score, settings)
            return kept
        """,
        argparse.Namespace(rate=0.1),
    )
    assert values(run, "score") == kept
    assert (run.params["rate"], run.params["width"]) == (0.1, 2)


def test_a_function_that_asks_for_its_own_variables_is_not(play: Play) -> None:
    _, run = play("""
        def run():
            width, seen = 2, vars()
            model, optimizer = begun()
            for _ in range(3):
                epoch(model, optimizer)
                score = float(model.weight.detach().sum())
                print(score)
            return seen
        """)
    assert "score" not in run.series
    assert "width" not in run.params


SILENT = """
    def judged(model):
        return {"f1": float(model.weight.detach().abs().sum()), "loss": 0.5}

    def run():
        history = {"train_loss": [], "val_f1": []}
        model, optimizer = begun()
        for turn in range(3):
            train_loss = epoch(model, optimizer)
            metrics = judged(model)
            history["train_loss"].append(train_loss)
            history["val_f1"].append(metrics["f1"])
        %s
        return history
"""


@pytest.mark.parametrize(
    "ending",
    [
        "model.load_state_dict({k: v.clone() for k, v in model.state_dict().items()})",
        "torch.save(model.state_dict(), 'program.pt')",
        "print('done')",
    ],
)
def test_the_last_turn_is_read_when_the_program_saves_restores_or_speaks(
    play: Play, ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    history, run = play(SILENT % ending)
    assert values(run, "val_f1") == history["val_f1"]
    assert values(run, "train_loss") == history["train_loss"]


def test_a_variable_that_was_given_something_else_since_is_not_of_the_loop(play: Play) -> None:
    kept, run = play("""
        def run():
            model, optimizer = begun()
            kept = []
            for _ in range(3):
                epoch(model, optimizer)
                score = float(model.weight.detach().sum())
                print(score)
                kept.append(score)
            score = -1.5
            print("over")
            return kept
        """)
    assert values(run, "score") == kept


def test_what_is_shown_after_the_training_is_recorded(play: Play) -> None:
    shown, run = play("""
        def say(message):
            print(message)

        def run():
            model, optimizer = begun()
            epoch(model, optimizer)
            metrics = {"f1": 0.125, "recall": float(model.weight.detach().sum())}
            best_score = float(model.bias.detach().sum())
            message = f"test f1 {metrics['f1']:.1f} of {len(metrics)}"
            say(message + "!")
            for name in ("recall",):
                print(f"Test {name}: {metrics[name]:.4f}")
            print("best", best_score, "elapsed_loss_time", 3.25)
            return [metrics["f1"], metrics["recall"], best_score]
        """)
    assert [values(run, key) for key in ("test_f1", "test_recall", "best_score")] == [
        [one] for one in shown
    ]
    assert not [key for key in run.series if "time" in key and key != "epoch_time"]


def test_what_a_call_within_the_training_shows_is_recorded(play: Play) -> None:
    shown, run = play("""
        import math

        def told(model, loss):
            print(f"Perplexity: {math.exp(loss.item()):.2f}, {model.weight.mean().item()}")
            real_score = torch.stack([loss, 2 * loss])
            print("D: %.2f" % real_score.mean().item())
            return math.exp(loss.item()), real_score.mean().item()

        def run():
            model, optimizer = begun()
            found = []
            for x, y in LOADER:
                loss = torch.nn.functional.mse_loss(model(x), y)
                step(optimizer, loss)
                found.append(told(model, loss))
            return found
        """)
    assert values(run, "perplexity") == [one for one, _ in shown]
    assert values(run, "real_score") == [one for _, one in shown]


def test_what_is_known_already_makes_no_second_series(play: Play) -> None:
    given, run = play("""
        def evaluate(model):
            right = rows = 0
            with torch.no_grad():
                for x, y in LABELLED:
                    scores = model(x)
                    torch.nn.functional.cross_entropy(scores, y)
                    right += (scores.argmax(1) == y).sum().item()
                    rows += len(y)
            return right / rows

        def run():
            model, optimizer = begun(2)
            for _ in range(2):
                for x, y in LABELLED:
                    step(optimizer, torch.nn.functional.cross_entropy(model(x), y))
            test_acc = evaluate(model)
            losses = {"val": torch.tensor(0.25)}
            print(f"acc_test {test_acc:.3f} loss {losses['val']:.3f}")
            acc_test = test_acc
            print(acc_test)
            return test_acc
        """)
    assert values(run, "test_acc") == [given]
    assert "acc_test" not in run.series


def test_means_that_are_shown_in_the_loop_alone_are_final_when_it_ends(play: Play) -> None:
    means, run = play("""
        def bar(text):
            print(text)

        def trained(model, optimizer):
            train_loss, n, recent = 0.0, 0, 0.0
            for i, (x, y) in enumerate(LOADER):
                loss = torch.nn.functional.mse_loss(model(x), y)
                step(optimizer, loss)
                train_loss += loss.item()
                recent += loss.item()
                bar("Loss: %.3f Error: %.3f" % (train_loss / (i + 1), recent / 2))
                if i % 2:
                    recent = 0.0
            return_value[len(return_value):] = [train_loss / (i + 1)]

        return_value = []

        def run():
            model, optimizer = begun()
            for _ in range(2):
                trained(model, optimizer)
            return return_value
        """)
    assert values(run, "train_loss") == means
    assert "error" not in run.series


def test_what_is_logged_by_name_in_a_dictionary_has_that_name(play: Play) -> None:
    given, run = play("""
        class Writer:
            def log(self, numbers, step=None):
                seen.append(numbers)

        seen, writer = [], Writer()

        def run():
            model, optimizer = begun()
            for turn in range(2):
                total = 0.0
                for x, y in LOADER:
                    loss = torch.nn.functional.mse_loss(model(x), y)
                    step(optimizer, loss)
                    total += loss.item()
                writer.log({"train/loss": total / len(LOADER), "turn": turn})
                s = float(model.weight.detach().sum())
                writer.log({"weight/sum": s})
            print("over")
            return seen
        """)
    for key in ("train/loss", "weight/sum"):
        assert values(run, key) == [one[key] for one in given if key in one]


def test_settings_of_nodes_within_nodes_and_of_constructors_are_params(play: Play) -> None:
    _, run = play("""
        class Node:
            def __init__(self, **held):
                self.__dict__.update(held)

        class Trainer:
            def __init__(self, patience, rate=0.5):
                self.patience = patience
                self.best = rate * 2
                self.model, self.optimizer = begun()

            def fit(self, config):
                epoch(self.model, self.optimizer)

        def run():
            config = Node(seed=3, model=Node(depth=2))
            Trainer(7).fit(config)
        """)
    assert (run.params["seed"], run.params["model.depth"], run.params["patience"]) == (3, 2, 7)
    assert "best" not in run.params
