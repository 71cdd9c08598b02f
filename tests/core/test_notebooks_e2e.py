"""Whole notebooks, executed by a real kernel: which runs they leave and what they show."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import autolog
from autolog.view import RunView

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")
pytest.importorskip("sklearn")
from jupyter_client.manager import KernelManager  # noqa: E402

BEGIN = """
from autolog import autolog
autolog()
from sklearn.base import BaseEstimator
from sklearn.linear_model import Ridge
import time
X, y = [[1.0], [2.0], [4.0]], [1.0, 2.0, 3.0]
class Slow(BaseEstimator):
    def fit(self, X, y=None):
        print("READY", flush=True)
        time.sleep(60)
"""
HOSTILE = "<script>alert('n')</script>"
CELLS = {
    "begin": BEGIN,
    "fit": "autolog()\nmodel = Ridge(alpha=1.0).fit(X, y)",
    "fit again": "autolog()\nmodel = Ridge(alpha=1.0).fit(X, y)",
    "timed": "%%time\nautolog()\nmodel = Ridge(alpha=2.0).fit(X, y)",
    "captured": "%%capture\nmodel = Ridge(alpha=3.0).fit(X, y)",
    "fails": "autolog()\nRidge(alpha='wrong').fit(X, y)",
    "script": "from pathlib import Path\n"
    "Path('script.py').write_text('Ridge(alpha=4.0).fit(X, y)')\n%run -i script.py",
    "reload": "%load_ext autoreload\n%autoreload 2\nautolog()\nimport other\nother.train(X, y)",
    "reloaded": "Path('other.py').write_text(Path('other.py').read_text() + '\\nadded = 1')\n"
    "other.train(X, y); ",
    "was reloaded": "print(other.added)",
    "loop": "for alpha in (7.0, 8.0):\n    Ridge(alpha=alpha).fit(X, y)",
    "by hand": f'run = autolog.start_run("{HOSTILE}", tags={{"<b>": "<i>&"}})\n'
    f'run.log_params({{"<img onerror=x>": "{HOSTILE}"}})\n'
    f'run.log_metrics({{"{HOSTILE}": 1.0}})\nrun.end()',
    "one": "autolog.get_run(run.id)",
    "all": "autolog.search_runs()",
    "off": "autolog.disable()\nRidge(alpha=9.0).fit(X, y)\n"
    "print(type(vars(Ridge)['fit']).__module__, type(vars(Slow)['fit']).__module__)",
}


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, list[Any]]]:
    """The folder of a notebook that was executed, and the outputs of its cells."""
    folder = tmp_path_factory.mktemp("wine")
    (folder / "other.py").write_text(
        "from sklearn.linear_model import Ridge\ndef train(X, y): Ridge(alpha=5.0).fit(X, y)\n"
    )
    cells = [nbformat.v4.new_code_cell(text) for text in CELLS.values()]
    found = nbformat.v4.new_notebook(cells=cells)
    client = nbclient.NotebookClient(found, km=KernelManager(), timeout=120, allow_errors=True)
    client.execute(cwd=str(folder), env=environment(folder))
    return folder, {name: cell.outputs for name, cell in zip(CELLS, cells, strict=True)}


def environment(folder: Path) -> dict[str, str]:
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith("AUTOLOG")},
        "AUTOLOG_STRICT": "1",
        "IPYTHONDIR": str(folder / "ipython"),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "JPY_SESSION_NAME": str(folder / "grapes.ipynb"),
    }


def runs(folder: Path) -> list[RunView]:
    return list(autolog.search_runs(backend=folder / "autolog-runs"))[::-1]


def by_alpha(folder: Path, alpha: Any) -> list[RunView]:
    return [run for run in runs(folder) if run.params.get("alpha") == alpha]


def group(run: RunView) -> Any:
    return run.folded.facts.get("group")


def text(outputs: list[Any], kind: str) -> str:
    (found,) = (out["data"][kind] for out in outputs if kind in out.get("data", {}))
    return str(found)


def printed(outputs: list[Any]) -> str:
    return "".join(out.get("text", "") for out in outputs)


def test_each_fit_is_one_run(book: Any) -> None:
    folder, outputs = book
    alphas = [run.params.get("alpha") for run in runs(folder)]
    assert alphas == [1.0, 1.0, 2.0, 3.0, "wrong", 4.0, 5.0, 5.0, 7.0, 8.0, None]
    failures = [name for name, outs in outputs.items() if any(o.get("ename") for o in outs)]
    assert failures == ["fails"]
    assert "autolog:" not in "".join(map(printed, outputs.values()))


def test_runs_know_their_notebook(book: Any) -> None:
    folder, _ = book
    for run in runs(folder):
        assert run.experiment == f"{folder.name}/grapes"
        assert run.folded.facts["program"] == "grapes.ipynb"
        assert run.folded.values("system")["notebook"]["name"] == "grapes.ipynb"
    assert len({run.folded.facts["session"] for run in runs(folder)}) == 1


def test_cells_are_groups(book: Any) -> None:
    folder, _ = book
    first, again = by_alpha(folder, 1.0)
    seven, eight = (*by_alpha(folder, 7.0), *by_alpha(folder, 8.0))
    assert group(first) == group(again)
    assert group(seven) == group(eight)
    others = [by_alpha(folder, alpha)[0] for alpha in (1.0, 2.0, 3.0, 4.0, 5.0, 7.0)]
    assert len({group(run) for run in others}) == len(others)


def test_sites_are_named_as_in_tracebacks(book: Any) -> None:
    folder, _ = book
    sites = {run.params.get("alpha"): run.site for run in runs(folder)}
    assert str(sites.pop(3.0)).startswith("In[")  # IPython counts a captured cell as the next
    assert sites == {
        1.0: "In[3]:2",
        2.0: "In[4]:2",
        "wrong": "In[6]:2",
        4.0: "script.py:1",
        5.0: "other.py:2",
        7.0: "In[11]:2",
        8.0: "In[11]:2",
        None: "In[12]:1",
    }


def test_sources_are_the_cells_so_far(book: Any) -> None:
    folder, _ = book
    first, again = by_alpha(folder, 1.0)
    for number, run in ((2, first), (3, again)):
        source = run.artifact("code/cells.py").read().decode()
        assert source.count("# In [") == number
        assert source.endswith("model = Ridge(alpha=1.0).fit(X, y)\n")


def test_variables_are_named(book: Any) -> None:
    folder, _ = book
    assert list(by_alpha(folder, 1.0)[0].datasets) == ["X"]
    assert list(by_alpha(folder, 7.0)[0].datasets) == ["X"]


def test_an_exception_fails_its_run_and_is_shown_as_ever(book: Any) -> None:
    folder, outputs = book
    (run,) = by_alpha(folder, "wrong")
    assert run.status == "failed"
    assert run.error is not None
    assert "alpha" in run.error.message
    (shown,) = outputs["fails"]
    assert shown["ename"] == run.error.type
    assert any("In[6]" in line for line in shown["traceback"])


def test_autoreload_reloads_beside_us(book: Any) -> None:
    _, outputs = book
    assert printed(outputs["was reloaded"]) == "1\n"


def test_runs_are_shown_and_hostile_names_are_text(book: Any) -> None:
    _, outputs = book
    for cell in ("one", "all"):
        page = text(outputs[cell], "text/html")
        assert "<script" not in page
        assert "<img" not in page
        assert "<b>" not in page.replace("<div><b>", "")
        assert "&lt;script&gt;alert(&#x27;n&#x27;)&lt;/script&gt;" in page
        assert HOSTILE[:20] in text(outputs[cell], "text/plain")
    assert text(outputs["all"], "text/html").count("<tr>") == len(runs(book[0])) + 1


def test_disable_takes_everything_off(book: Any) -> None:
    folder, outputs = book
    assert printed(outputs["off"]) == "builtins builtins\n"
    assert by_alpha(folder, 9.0) == []


# -- a kernel that is interrupted and restarted ------------------------------------------------


class Kernel:
    """A kernel and what a front end does with it."""

    def __init__(self, folder: Path) -> None:
        self._env = environment(folder)
        self._folder = folder
        self.manager = KernelManager()
        self.manager.start_kernel(cwd=str(folder), env=self._env)
        self._connect()

    def _connect(self) -> None:
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def restart(self, now: bool) -> None:
        """What the button does (`now`: without asking the kernel to end by itself)."""
        self.client.stop_channels()
        self.manager.restart_kernel(now=now)
        self._connect()

    def run(self, code: str, cell: str, when_ready: Callable[[], Any] | None = None) -> str:
        """Execute as JupyterLab does; what was printed, or the error's name."""
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "allow_stdin": False,
            "user_expressions": {},
        }
        message = self.client.session.msg("execute_request", content)
        message["metadata"] = {"cellId": cell}
        self.client.shell_channel.send(message)
        told = ""
        while True:
            reply = self.client.get_iopub_msg(timeout=60)
            if reply["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                continue
            content = reply["content"]
            told += content.get("text", "") + content.get("ename", "")
            if when_ready is not None and "READY" in told:
                when_ready()
                when_ready = None
            if content.get("execution_state") == "idle":
                return told

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    """A kernel of its own."""
    started = Kernel(tmp_path)
    yield started
    started.close()


def test_interrupts_and_restarts(kernel: Kernel, tmp_path: Path) -> None:
    assert kernel.run(BEGIN, "a") == ""
    interrupt = kernel.manager.interrupt_kernel
    assert kernel.run("Slow().fit(X)", "b", interrupt) == "READY\nKeyboardInterrupt"
    (slow,) = runs(tmp_path)
    assert (slow.status, slow.error and slow.error.type) == ("killed", "KeyboardInterrupt")
    kernel.run("Ridge(alpha=1.0).fit(X, y)", "c")
    kernel.run("Ridge(alpha=1.5).fit(X, y)  # edited", "c")
    kernel.run("left = autolog.start_run('left open')\nleft.log_metric('m', 1)", "d")
    assert [run.status for run in runs(tmp_path)][1:] == ["finished", "finished", "running"]
    kernel.restart(now=True)
    assert kernel.run(BEGIN + "Ridge(alpha=2.0).fit(X, y)", "c") == ""
    *_, first, edited, left, new = runs(tmp_path)
    assert left.status in ("lost", "killed")
    assert left.metrics == {"m": 1}
    assert new.status == "finished"
    assert group(first) == group(edited) == group(new)
    assert first.folded.facts["session"] == left.folded.facts["session"]
    assert new.folded.facts["session"] != left.folded.facts["session"]


def test_a_kernel_that_is_shut_down_ends_its_runs(kernel: Kernel, tmp_path: Path) -> None:
    kernel.run(BEGIN, "a")
    kernel.run("left = autolog.start_run('left open')\nleft.log_metric('m', 1)", "b")
    kernel.client.stop_channels()
    kernel.manager.shutdown_kernel(now=False)
    (left,) = runs(tmp_path)
    deadline = time.monotonic() + 20
    while left.status == "running" and time.monotonic() < deadline:
        time.sleep(0.05)
        (left,) = runs(tmp_path)
    assert left.status == "finished"
    assert left.metrics == {"m": 1}
