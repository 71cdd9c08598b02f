"""What a notebook knows of itself: real notebooks run by a real kernel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autolog import notebook

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")
from jupyter_client.manager import KernelManager  # noqa: E402

SHOW = """
import json
from autolog import notebook, provenance
print(json.dumps([notebook.notebook(), notebook.cell_group(), provenance.program_name()]))
"""


@pytest.fixture
def executed(tmp_path: Path) -> Any:
    """Runs cells as one notebook and gives what each printed."""

    def execute(*cells: str, **env: str) -> list[str]:
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
        manager = KernelManager()
        client = nbclient.NotebookClient(book, km=manager, timeout=60)
        client.execute(
            cwd=str(tmp_path), env={**os.environ, **env, "IPYTHONDIR": str(tmp_path / "ipython")}
        )
        return ["".join(out.get("text", "") for out in cell.outputs) for cell in book.cells]

    return execute


def test_outside_of_notebooks_nothing_is_known_and_nothing_imported(tmp_path: Path) -> None:
    text = (
        "import sys; from autolog import notebook as n;"
        "print(n.notebook(), n.cell_group(), n.source(), 'IPython' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert done.stdout == "None None None False\n"
    assert notebook.notebook() is None


def test_notebook_run_by_nbclient(executed: Any) -> None:
    first, second, _ = executed(SHOW, SHOW, "1")
    facts, group, name = json.loads(first)
    assert facts == {"kind": "notebook", "cell": 1}
    assert name == "notebook"
    again = json.loads(second)
    assert again[0]["cell"] == 2
    assert again[1] == group  # the same text is the same cell where no front end names it


def test_other_text_is_another_cell(executed: Any) -> None:
    first, second = executed(SHOW, SHOW + "\n# changed")
    assert json.loads(first)[1] != json.loads(second)[1]


def test_name_from_jupyter_server_and_from_vs_code(executed: Any) -> None:
    first, _, second = executed(
        SHOW,
        "__vsc_ipynb_file__ = '/data/vs code.ipynb'",
        SHOW,
        JPY_SESSION_NAME="/home/x/wine.ipynb",
    )
    facts, _, name = json.loads(first)
    assert (facts["name"], facts["path"], name) == (
        "wine.ipynb",
        "/home/x/wine.ipynb",
        "wine.ipynb",
    )
    assert json.loads(second)[0]["name"] == "vs code.ipynb"


def test_default_experiment_and_facts(executed: Any, tmp_path: Path) -> None:
    text = (
        "from autolog import provenance as p; import json\n"
        "print(json.dumps([p.default_experiment(), p.facts()['program'], p.facts()['notebook']]))"
    )
    (out,) = executed(text, JPY_SESSION_NAME="wine.ipynb")
    experiment, program, facts = json.loads(out)
    assert experiment == f"{tmp_path.name}/wine"
    assert program["kind"] == "notebook"
    assert facts == {"kind": "notebook", "name": "wine.ipynb", "path": "wine.ipynb"}


def test_source_is_the_cells_run_so_far_redacted(executed: Any) -> None:
    _, out = executed(
        "password = 'hunter2canary'\nx = 1",
        "from autolog import notebook; print(notebook.source()[1].decode())",
    )
    assert "# In [1]\npassword = '[redacted]'\nx = 1\n\n# In [2]\n" in out
    assert "canary" not in out


def test_names_of_arguments_come_from_the_cell(executed: Any) -> None:
    cell = """from autolog.callsite import find_site
class Estimator:
    def fit(self, X):
        site = find_site(1)
        print(site.line, site.argument_names("fit", 1), site.assigned_name())
        return self
data = 1
clf = Estimator().fit(data)
"""
    other = "clf = Estimator().fit(X=1) or Estimator().fit(2)\nmodel = clf.fit( clf )"
    first, second = executed(cell, other)
    assert first == "8 {0: 'data'} clf\n"
    assert second.splitlines()[-1] == "2 {0: 'clf'} model"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Any]:
    manager = KernelManager()
    manager.start_kernel(
        cwd=str(tmp_path), env={**os.environ, "IPYTHONDIR": str(tmp_path / "ipython")}
    )
    client = manager.blocking_client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def run_as_front_end(client: Any, code: str, cell: str, **content: Any) -> list[Any]:
    """Execute as JupyterLab and VS Code do: with the cell's id in the request's metadata."""
    silent = {"silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
    message = client.session.msg("execute_request", {"code": code, **silent, **content})
    message["metadata"] = {"cellId": cell}
    client.shell_channel.send(message)
    printed = ""
    while True:
        reply = client.get_iopub_msg(timeout=60)
        if reply["parent_header"].get("msg_id") != message["header"]["msg_id"]:
            continue
        if reply["msg_type"] == "stream":
            printed += reply["content"]["text"]
        if reply["msg_type"] == "status" and reply["content"]["execution_state"] == "idle":
            return list(json.loads(printed)) if printed else []


def test_cell_id_outlives_edits_and_tells_cells_apart(client: Any) -> None:
    facts, group, _ = run_as_front_end(client, SHOW, "one")
    assert facts == {"kind": "notebook", "cell": 1, "cell_id": "one"}
    _, edited, _ = run_as_front_end(client, SHOW + "# edited", "one")
    facts, other, _ = run_as_front_end(client, SHOW, "two")
    assert group == edited != other
    assert facts["cell"] == 3


def test_threads_of_a_cell_belong_to_it(client: Any) -> None:
    threaded = f"""
import threading
thread = threading.Thread(target=exec, args=({SHOW!r}, {{}}))
thread.start(); thread.join()
"""
    facts, group, _ = run_as_front_end(client, threaded, "one")
    assert (facts["cell_id"], group) == ("one", "cell one")
