"""Pictures are drawn without a trace in the program's matplotlib, and by no program unasked."""

from __future__ import annotations

import io
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import linear_model, metrics
from sklearn.datasets import load_breast_cancer

import autolog
from autolog.view import RunView

matplotlib = pytest.importorskip("matplotlib")
A, b = load_breast_cancer(return_X_y=True)
A = A[:, :6] / A[:, :6].max(axis=0)
Only = Callable[[], RunView]
Runs = Callable[[], list[RunView]]


def ask(uri: str, **others: Any) -> None:
    autolog.autolog(uri, sklearn={"plots": True, **others})


def pictures(run: RunView) -> set[str]:
    return {name for name in run.artifacts if name.endswith(".png")}


def test_the_programs_matplotlib_is_left_alone(uri: str, run: Only) -> None:
    import matplotlib.pyplot as plt

    ask(uri)
    with matplotlib.rc_context():
        plt.switch_backend("agg")
        figure, axes = plt.subplots()
        axes.plot([1, 2], [3, 4])
        before = dict(matplotlib.rcParams), plt.get_fignums(), plt.gcf(), drawn(figure)
        linear_model.LogisticRegression().fit(A, b)
        assert dict(matplotlib.rcParams) == before[0]
        assert plt.get_fignums() == before[1]
        assert plt.gcf() is before[2]
        assert drawn(figure) == before[3]
        plt.close(figure)
    assert "training_roc_curve.png" in pictures(run())


def drawn(figure: Any) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return stream.getvalue()


def test_its_settings_do_not_show(uri: str, runs: Runs) -> None:
    ask(uri)
    linear_model.LogisticRegression().fit(A, b)
    odd = {
        "text.usetex": True,
        "font.family": ["No such font"],
        "font.size": 40,
        "font.weight": "bold",
        "axes.facecolor": "black",
        "axes.grid": True,
        "text.color": "white",
        "path.sketch": (1, 100, 2),
        "xtick.bottom": False,
        "ytick.minor.visible": True,
        "figure.autolayout": True,
        "figure.dpi": 20,
        "savefig.dpi": 20,
        "lines.linewidth": 30,
        "legend.frameon": False,
        "axes.unicode_minus": False,
        "image.cmap": "jet",
        "axes.formatter.use_locale": True,
    }
    with matplotlib.rc_context(odd):
        linear_model.LogisticRegression().fit(A, b)
    plain, other = runs()
    for name in pictures(plain):
        assert plain.artifact(name).read() == other.artifact(name).read(), name


def test_threads_that_draw_at_once(uri: str, runs: Runs) -> None:
    ask(uri, training_metrics=True)
    heard: list[str] = []

    def train(seed: int) -> None:
        rng = np.random.default_rng(seed)
        clf = linear_model.LogisticRegression().fit(rng.random((50, 3)), np.arange(50) % 2)
        metrics.confusion_matrix(np.arange(50) % 2, clf.predict(rng.random((50, 3))))

    out, filters = sys.stdout, warnings.filters
    entries = list(filters)
    threads = [threading.Thread(target=train, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(50):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            warnings.warn("of the program", stacklevel=1)
        heard += [str(one.message) for one in caught if "of the program" in str(one.message)]
    for thread in threads:
        thread.join()
    assert heard == ["of the program"] * 50
    assert sys.stdout is out
    assert list(warnings.filters) == entries
    found = runs()
    assert len(found) == 4
    assert all(len(pictures(run)) == 6 for run in found)


# -- as programs -------------------------------------------------------------------------------

PROGRAM = """
import sys
from autolog import autolog
autolog(sklearn={"plots": %s})
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix
X = np.arange(20.0).reshape(10, 2)
y = np.arange(10) %% 2
clf = LogisticRegression().fit(X, y)
confusion_matrix(y, clf.predict(X))
print(sorted(n for n in sys.modules if n.split(".")[0] == "matplotlib" and "." not in n))
print("matplotlib.pyplot" in sys.modules)
if "matplotlib" in sys.modules:
    import matplotlib
    print(matplotlib.rcParams._get_backend_or_none())
"""


def test_matplotlib_is_not_imported_unless_asked(program: Any) -> None:
    done, (run,) = program(PROGRAM % "False")
    assert done.stdout.split() == ["[]", "False"]
    assert not pictures(run)


def test_no_pyplot_and_no_word(program: Any, tmp_path: Path) -> None:
    # A folder for matplotlib that is new: it makes its list of fonts, and would say so.
    done, (run,) = program(PROGRAM % "True", MPLCONFIGDIR=str(tmp_path / "new"))
    assert done.stdout.split("\n")[:3] == ["['matplotlib']", "False", "None"]
    assert done.stderr == ""
    assert {"training_roc_curve.png", "confusion_matrix_X.png"} <= pictures(run)


def test_without_matplotlib_one_line(program: Any, tmp_path: Path) -> None:
    folder = tmp_path / "absent" / "matplotlib"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("raise ImportError('No module named matplotlib')")
    done, (run,) = program(PROGRAM % "True", PYTHONPATH=str(folder.parent))
    assert done.stderr.count("\n") == 1
    assert "matplotlib cannot be imported" in done.stderr
    assert "pip install 'autolog-ml[plots]'" in done.stderr
    assert not pictures(run)
    assert {"training_roc_curve", "confusion_matrix_X"} <= {*run.tables}
    assert run.status == "finished"
    assert "model" in run.models
