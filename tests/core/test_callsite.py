"""Places in the user's code, names of arguments, and whose worker a call runs in."""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
import gc
import os
import py_compile
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from types import FrameType
from typing import Any

import joblib
import numpy as np
import pytest
import sklearn.utils.parallel
from sklearn.base import BaseEstimator
from sklearn.ensemble import BaggingClassifier
from sklearn.model_selection import cross_val_score

from autolog.callsite import find_site, is_worker_task
from autolog.calltext import LONGEST_NAME

X_train = np.arange(8.0).reshape(4, 2)
y_train = np.array([0, 1, 0, 1])
names: dict[int | str, str] = {}
sites: list[Any] = []


class Watched(BaseEstimator):
    """An estimator whose `fit` notes what is known of its caller, as a hook would."""

    def fit(self, X: Any, y: Any = None, *, sample_weight: Any = None) -> Watched:
        keywords = {"sample_weight": sample_weight} if sample_weight is not None else {}
        _look(sys._getframe(1), "fit", 1 if y is None else 2, tuple(keywords))
        return self


def _look(frame: FrameType, function: str, positional: int, keywords: tuple[str, ...]) -> None:
    site = find_site(frame, library="sklearn")
    sites.append(site)
    names.clear()
    if site is not None:
        names.update(site.argument_names(function, positional, keywords))


def anything(*args: Any) -> None:
    _look(sys._getframe(1), "anything", len(args), ())


est = Watched()


def test_plain_names_by_position() -> None:
    est.fit(X_train, y_train)
    assert names == {0: "X_train", 1: "y_train"}


def test_keyword() -> None:
    est.fit(X_train, y_train, sample_weight=y_train)
    assert names == {0: "X_train", 1: "y_train", "sample_weight": "y_train"}


def test_attribute_of_self_loses_self_and_others_keep_their_owner() -> None:
    class Holder:
        X = X_train

        def go(self) -> None:
            est.fit(self.X)

    Holder().go()
    assert names == {0: "X"}
    holder = Holder()
    est.fit(holder.X)
    assert names == {0: "holder.X"}


def test_expressions_keep_their_text_on_one_line() -> None:
    # fmt: off
    est.fit(X_train[:,
                    [0, 1]], y_train)
    # fmt: on
    assert names == {0: "X_train[:, [0, 1]]", 1: "y_train"}


def test_long_text_is_cut() -> None:
    est.fit(X_train[0:1][0:1][0:1][0:1][0:1][0:1][0:1][0:1][0:1][0:1][0:1][0:1][0:1][0:1][0:1][0:1])
    assert len(names[0]) == LONGEST_NAME
    assert names[0].endswith("…")


def test_two_calls_on_one_line() -> None:
    # fmt: off
    est.fit(X_train); first = dict(names); est.fit(y_train)  # noqa: E702
    # fmt: on
    assert (first, dict(names)) == ({0: "X_train"}, {0: "y_train"})
    assert sites[-1].code != sites[-2].code
    assert str(sites[-1]) == str(sites[-2])


def test_nested_calls() -> None:
    def through(value: Any) -> Any:
        return value

    through(through(est.fit(through(X_train), y_train)))
    assert names == {0: "through(X_train)", 1: "y_train"}


def test_chain_over_lines() -> None:
    # fmt: off
    (Watched()
        .fit(X_train)
        .fit(X_train,  # a remark, with a ) in it
             y_train,
        ))
    # fmt: on
    assert names == {0: "X_train", 1: "y_train"}


def test_alias_of_the_method() -> None:
    train = est.fit
    train(X_train, y_train)
    assert names == {0: "X_train", 1: "y_train"}


def test_call_through_the_class() -> None:
    Watched.fit(est, X_train, y_train)
    assert names == {0: "X_train", 1: "y_train"}


def test_lambda_comprehension_generator() -> None:
    (lambda data: est.fit(data))(X_train)
    assert names == {0: "data"}
    [est.fit(fold) for fold in (X_train, X_train)]
    assert names == {0: "fold"}
    list(est.fit(part) for part in [X_train])  # noqa: C400
    assert names == {0: "part"}


def test_starred_arguments_are_unknown_and_those_before_are_known() -> None:
    both = (X_train, y_train)
    est.fit(*both)
    assert names == {}
    est.fit(X_train, *[y_train])
    assert names == {0: "X_train"}


def test_what_comes_out_of_a_mapping_is_called_by_its_key() -> None:
    weights = {"sample_weight": y_train}
    est.fit(X_train, y_train, **weights)
    assert names == {0: "X_train", 1: "y_train", "sample_weight": "sample_weight"}


def test_walrus() -> None:
    est.fit(part := X_train)
    assert names == {0: "part"}
    assert part is X_train


def test_text_beyond_ascii_before_the_call() -> None:
    größe = X_train
    # fmt: off
    "äöü→"; est.fit(größe, y_train)  # noqa: E702
    # fmt: on
    assert names == {0: "größe", 1: "y_train"}


@pytest.mark.parametrize(
    "call",
    [
        lambda: list(map(est.fit, [X_train])),
        lambda: functools.partial(est.fit, X_train)(y_train),
        lambda: functools.reduce(anything, [X_train, y_train]),
        lambda: max([X_train], key=anything),
    ],
    ids=["map", "partial", "reduce", "key"],
)
def test_call_through_something_else_is_unknown(call: Any) -> None:
    names[0] = "stale"
    call()
    assert names == {}


def test_caller_in_a_library_gives_a_place_but_no_names() -> None:
    cross_val_score(est, X_train, y_train, cv=2, scoring=lambda *_: 0.0)
    assert names == {}
    assert sites[-1].line == line_of("cross_val_score(est, X_train, y_train, cv=2")
    assert sites[-1].direct is False


def line_of(text: str) -> int:
    """The number of the first line of this file that holds `text` after blanks."""
    lines = Path(__file__).read_text("utf-8").splitlines()
    found = [i for i, line in enumerate(lines, 1) if line.strip().startswith(text)]
    assert found
    return found[0]


def test_place_passes_over_the_standard_library() -> None:
    with contextlib.ExitStack() as stack:
        stack.callback(est.fit, X_train)
    assert sites[-1].function == "test_place_passes_over_the_standard_library"
    assert Path(sites[-1].file).name == "test_callsite.py"
    assert names == {}


def test_thread_without_user_frames_has_no_place() -> None:
    thread = threading.Thread(target=est.fit, args=(X_train,))
    thread.start()
    thread.join()
    assert sites[-1] is None


def test_named_library_is_passed_over() -> None:
    site = find_site(sys._getframe(), library=__name__.partition(".")[0])
    assert site is None or site.file != "test_callsite.py"


def test_same_call_has_the_same_site_and_other_calls_another() -> None:
    for _ in range(2):
        est.fit(X_train)
    again = sites[-2:]
    est.fit(X_train)
    assert again[0] is again[1]
    assert again[0].code != sites[-1].code


def test_assigned_name() -> None:
    found = []

    class Estimator:
        def fit(self) -> Estimator:
            site = find_site(1)
            assert site is not None
            found.append(site.assigned_name())
            return self

    clf = Estimator().fit()
    Estimator().fit()
    first = second = Estimator().fit()
    clf.model = Estimator().fit()  # type: ignore[attr-defined]
    [Estimator().fit() for _ in (1,)]
    assert found == ["clf", None, "first", "clf.model", None]
    assert first is second


def test_no_frame_or_variable_is_kept_alive() -> None:
    class Data:
        pass

    def use() -> weakref.ref[Data]:
        data = Data()
        est.fit(data)
        return weakref.ref(data)

    assert use()() is None
    assert names == {0: "data"}
    gc.collect()
    assert not [
        f for f in gc.get_objects() if isinstance(f, FrameType) and f.f_code is use.__code__
    ]


def test_exec_without_source_is_unknown_and_dies() -> None:
    code = compile("est.fit(X_train)", "<generated-for-a-test>", "exec")
    exec(code, {"est": est, "X_train": X_train})
    assert names == {}
    assert sites[-1].file == "<generated-for-a-test>"
    kept = weakref.ref(code)
    del code
    gc.collect()
    assert kept() is None
    assert sites[-1].argument_names("fit", 1) == {}


PROGRAM = """
import sys
sys.path.insert(0, {root!r})
from autolog.callsite import find_site
class Estimator:
    def fit(self, X):
        site = find_site(1)
        print(site, site.argument_names("fit", 1))
data = 1
Estimator().fit(data)
"""


def _run(folder: Path, *command: str, **env: str) -> str:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_program_with_and_without_its_source(tmp_path: Path) -> None:
    root = str(Path(__file__).parents[2])
    program = tmp_path / "train.py"
    program.write_text(PROGRAM.format(root=root))
    whole = "train.py:10 {0: 'data'}"
    assert _run(tmp_path, "train.py") == whole
    assert _run(tmp_path, "-O", "train.py") == whole
    assert _run(tmp_path, "-X", "no_debug_ranges", "train.py") == "train.py:10 {}"
    py_compile.compile(str(program), cfile=str(tmp_path / "train.pyc"))
    program.unlink()
    assert _run(tmp_path, "train.pyc") == "train.py:10 {}"


def test_helper_module_is_named_from_the_programs_folder(tmp_path: Path) -> None:
    (tmp_path / "steps").mkdir()
    (tmp_path / "steps" / "fitting.py").write_text(
        PROGRAM.format(root=str(Path(__file__).parents[2]))
    )
    (tmp_path / "train.py").write_text("import os; os.chdir('/'); import steps.fitting")
    assert _run(tmp_path, "train.py") == "steps/fitting.py:10 {0: 'data'}"


# -- workers -----------------------------------------------------------------------------------


class Asked(BaseEstimator):
    """Notes, in whatever thread it is fitted, whether that is a worker's task of sklearn."""

    answers: list[bool] = []  # noqa: RUF012

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Asked:
        self.classes_ = np.unique(y)
        self.answers.append(is_worker_task(sys._getframe(1), "sklearn"))
        return self

    def predict(self, X: Any) -> Any:
        return np.zeros(len(X))


def answer(call: Any) -> list[bool]:
    Asked.answers.clear()
    call()
    return list(Asked.answers)


def test_own_calls_are_no_worker_tasks() -> None:
    assert answer(lambda: Asked().fit(X_train)) == [False]


def test_own_parallel_calls_are_no_worker_tasks() -> None:
    for module in (joblib, sklearn.utils.parallel):
        jobs = [module.delayed(Asked().fit)(X_train, y_train) for _ in range(2)]
        run = functools.partial(module.Parallel(n_jobs=2, backend="threading"), jobs)
        assert answer(run) == [False, False]


def test_own_threads_and_pools_are_no_worker_tasks() -> None:
    def submit() -> None:
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            pool.submit(Asked().fit, X_train).result()

    assert answer(submit) == [False]


def test_folds_in_workers_are_worker_tasks() -> None:
    def validate() -> None:
        with joblib.parallel_backend("threading", n_jobs=2):
            cross_val_score(Asked(), X_train, y_train, cv=2, scoring=lambda *_: 0.0)

    assert answer(validate) == [True, True]


def test_members_of_an_ensemble_in_workers_are_worker_tasks() -> None:
    def bag() -> None:
        with joblib.parallel_backend("threading", n_jobs=2):
            BaggingClassifier(Asked(), n_estimators=4, n_jobs=2).fit(X_train, y_train)

    assert answer(bag) == [True] * 4


def test_folds_validated_in_line_within_an_own_worker_are_tasks_of_the_library() -> None:
    def task() -> None:
        cross_val_score(Asked(), X_train, y_train, cv=2, n_jobs=1, scoring=lambda *_: 0.0)

    def run() -> None:
        joblib.Parallel(n_jobs=2, backend="threading")([joblib.delayed(task)()])

    assert answer(run) == [True, True]


def test_nothing_above_is_no_worker_task() -> None:
    assert is_worker_task(None, "sklearn") is False
