"""Where a run comes from: program, code state, machine, versions; found out once per process."""

from __future__ import annotations

import contextlib
import functools
import os
import platform
import sys
import threading
from pathlib import Path
from typing import Any, Literal, NamedTuple

from . import callsite, environment, notebook, redact, repository
from .settings import working_folder

VARIABLES = (
    *("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"),
    *("CUBLAS_WORKSPACE_CONFIG", "CUDA_LAUNCH_BLOCKING", "NVIDIA_TF32_OVERRIDE"),
    *("PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ENABLE_MPS_FALLBACK", "TORCH_DETERMINISTIC"),
    *("TF_DETERMINISTIC_OPS", "TF_CUDNN_DETERMINISTIC", "TF_ENABLE_ONEDNN_OPTS", "KERAS_BACKEND"),
    *("OMP_NUM_THREADS", "OMP_PROC_BIND", "OMP_SCHEDULE", "OMP_DYNAMIC", "MKL_NUM_THREADS"),
    *("MKL_CBWR", "OPENBLAS_NUM_THREADS", "OPENBLAS_CORETYPE", "BLIS_NUM_THREADS"),
    *("VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS", "LOKY_MAX_CPU_COUNT"),
    *("TOKENIZERS_PARALLELISM", "SCIPY_ARRAY_API", "PYTHONHASHSEED", "PYTHONOPTIMIZE"),
    *("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "GROUP_RANK"),
    *("SLURM_JOB_ID", "SLURM_JOB_NAME", "SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID"),
    *("SLURM_PROCID", "SLURM_NTASKS", "SLURM_CPUS_PER_TASK", "PBS_JOBID", "LSB_JOBID"),
    *("CONDA_DEFAULT_ENV", "PYTEST_XDIST_WORKER"),
)
"""The only environment variables whose values are recorded."""
MOST_ARGUMENTS = 1000
LONGEST_ARGUMENT = 10_000
MOST_SOURCES = 50
MOST_SOURCE_BYTES = 1_000_000

_lock = threading.Lock()
_facts: dict[str, Any] | None = None
_diff: bytes | None = None


class Program(NamedTuple):
    """What this process was asked to run; `path` is its main file, None where there is none."""

    kind: Literal["script", "module", "command", "stdin", "interactive", "notebook"]
    name: str
    path: Path | None


_served: Program | None = None


def facts() -> dict[str, Any]:
    """Facts by name: `program`, `git`, `host`, `versions`, `packages`, `variables`, `notebook`.

    Plain values without secrets, found out at the first call in this process (a forked child has
    the parent's); what is absent is unknown. The first call asks git, which takes at most
    `repository.PATIENCE` seconds.
    """
    global _facts
    if _facts is None:
        # The bounded wait is for a child forked while another thread was in here.
        held = _lock.acquire(timeout=1.0)
        try:
            if _facts is None:
                _facts = _find_out()
        finally:
            if held:
                _lock.release()
    return dict(_facts)


def code() -> dict[str, bytes]:
    """What a run keeps of its code, by file name: the sources, and `changes.diff` if there is one.

    Everything is redacted; `git apply` restores the tree from the diff where nothing was.
    """
    facts()
    found = dict(sources())
    if _diff is not None:
        found["changes.diff"] = redact.redact("", _diff)
    return found


def program_name() -> str:
    """The program as a person calls it: `train.py`, `package.module`, `analysis.ipynb`."""
    return program().name


def default_experiment() -> str:
    """`<repository or folder>/<program>`: `wine/train` for `train.py` in a clone called `wine`."""
    return _experiment_of(program(), str(working_folder()))


@functools.lru_cache(maxsize=64)
def _experiment_of(asked: Program, working: str) -> str:
    """Kept by all that it depends on, for each run asks."""
    folder = home()
    stem = Path(asked.name).stem if asked.kind in ("script", "notebook") else asked.name
    place = (repository.find_root(folder) or folder).name
    return f"{place or 'root'}/{stem or asked.kind}"


def serve(program: Program) -> None:
    """Take `program` for what this process was asked to run: it is a worker of that one."""
    global _served
    _served = program
    callsite.serve(str(program.path or ""))


def program() -> Program:
    """What this process was asked to run."""
    if _served is not None:
        return _served
    if (book := notebook.notebook()) is not None:
        return Program("notebook", str(book.get("name") or "notebook"), None)
    main = sys.modules.get("__main__")
    spec = getattr(main, "__spec__", None)
    file = getattr(main, "__file__", None)
    if isinstance(file, str) and not file.startswith("<"):  # `python -` calls its own `<stdin>`
        return _from_file(Path(file).absolute(), getattr(spec, "name", None))
    if sys.argv[:1] == ["-c"]:
        return Program("command", "command", None)
    if hasattr(sys, "ps1") or sys.flags.interactive:
        return Program("interactive", "interactive", None)
    return Program("stdin", "stdin", None)


def _from_file(path: Path, module: str | None) -> Program:
    if module and module not in ("__main__", "__mp_main__"):
        return Program("module", module.removesuffix(".__main__"), path)
    if path.stem == "__main__":  # a folder or zip archive that was run
        return Program("script", path.parent.name, path)
    return Program("script", path.name, path)


def home() -> Path:
    """The folder that the program's code belongs to: its own, or the working directory.

    Of a module that was run it is the one that its outermost package stands in.
    """
    kind, name, path = program()
    if path is None or _is_installed(path):
        return working_folder()
    if kind == "module":
        depth = name.count(".") + (path.stem == "__main__")
        path = path.parents[min(depth, len(path.parents) - 1)] / path.name
    with contextlib.suppress(OSError):  # a folder that we may not look at is one all the same
        return path.parent if path.parent.is_dir() else path.parent.parent
    return path.parent


def source() -> tuple[str, bytes] | None:
    """Name and redacted text of the program itself; None where its text cannot be had."""
    asked = program()
    if asked.kind == "notebook":
        return notebook.source()
    if asked.kind == "command" and "-c" in sys.orig_argv[:-1]:
        command = sys.orig_argv[sys.orig_argv.index("-c") + 1]
        return "command.py", redact.redact("", command.encode("utf-8", "replace"))
    if asked.path is None:
        return None
    main = sys.modules["__main__"]
    text = _text_of(asked.path, getattr(main, "__loader__", None), getattr(main, "__name__", ""))
    return None if text is None else (_relative(asked.path), redact.redact("", text))


def sources() -> list[tuple[str, bytes]]:
    """The program, then the modules imported from its folder or repository, redacted.

    Names are relative POSIX paths. At most 50 files and 1 MB in all; what would exceed that is
    left out. Installed packages and the standard library are never part of it.
    """
    first = source()
    found = [] if first is None else [first]
    size = sum(len(text) for _, text in found)
    for path in _local_modules():
        if len(found) >= MOST_SOURCES or (found and found[0][0] == _relative(path)):
            continue
        text = _text_of(path, None, "")
        if text is not None and size + len(text) <= MOST_SOURCE_BYTES:
            size += len(text)
            found.append((_relative(path), redact.redact("", text)))
    return found


# -- below -------------------------------------------------------------------------------------


def _find_out() -> dict[str, Any]:
    global _diff
    root = repository.find_root(home())
    found: dict[str, Any] = {}
    if root is not None:
        found["git"], _diff = repository.read_state(root)
    found["program"] = _program_facts()
    found["host"] = _host_facts()
    found["versions"] = _versions()
    found["packages"] = _imported_packages()
    found["variables"] = {name: os.environ[name] for name in VARIABLES if name in os.environ}
    if (book := notebook.notebook()) is not None:
        found["notebook"] = {key: book[key] for key in ("kind", "name", "path") if key in book}
    cleaned: dict[str, Any] = redact.redact("", {key: item for key, item in found.items() if item})
    return cleaned


def _program_facts() -> dict[str, Any]:
    asked = program()
    found = {
        "kind": asked.kind,
        "name": asked.name,
        "path": None if asked.path is None else _relative(asked.path),
        "arguments": [str(text)[:LONGEST_ARGUMENT] for text in sys.argv[1 : MOST_ARGUMENTS + 1]],
        "folder": str(working_folder()),
        "executable": sys.executable,
        "options": _interpreter_options(),
    }
    return {key: value for key, value in found.items() if value}


def _interpreter_options() -> list[str]:
    """What stands before the program in the command line: `-O`, `-X dev`; None of a worker's."""
    given = sys.orig_argv[1:]
    stops = [
        i for i, text in enumerate(given) if not text.startswith("-") or text in ("-c", "-m", "-")
    ]
    return [] if not stops else given[: stops[0]]


def _host_facts() -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": platform.node(),
        "system": _system(),
        "cpu": _cpu_model(),
        "cpus": os.cpu_count(),
        "memory": _memory(),
        "gpus": _gpus(),
    }
    if hasattr(os, "sched_getaffinity"):
        found["cpus_usable"] = len(os.sched_getaffinity(0))
    return {key: value for key, value in found.items() if value}


def _system() -> str:
    # `platform.platform()` may start a process and read the whole interpreter.
    if hasattr(os, "uname"):
        name = os.uname()
        return f"{name.sysname} {name.release} {name.machine}"
    return f"{sys.platform} {platform.release()} {platform.machine()}"


def _cpu_model() -> str | None:
    with contextlib.suppress(OSError), Path("/proc/cpuinfo").open("rb") as file:
        for line in file.read(4096).split(b"\n"):
            if line.startswith(b"model name"):
                return line.partition(b":")[2].strip().decode("utf-8", "replace")
    return None


def _memory() -> int | None:
    with contextlib.suppress(OSError, ValueError, AttributeError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def _gpus() -> list[str]:
    """Names of the GPUs that torch already uses; asking it any earlier would initialise it."""
    cuda = sys.modules.get("torch.cuda")
    with contextlib.suppress(Exception):
        if cuda is not None and cuda.is_initialized():
            return [cuda.get_device_name(i) for i in range(cuda.device_count())]
    return []


def _versions() -> dict[str, str]:
    return {
        "python": environment.python_version(),
        "implementation": platform.python_implementation(),
        "platform": sys.platform,
    }


def _imported_packages() -> dict[str, str]:
    """Versions of the installed distributions that have been imported by now, sorted."""
    installed = environment.packages()
    found = {}
    for top in {name.partition(".")[0] for name in tuple(sys.modules)} - sys.stdlib_module_names:
        name = environment.KNOWN.get(top) or environment.normalised(top)
        # From the module's own dictionary: a module's `__getattr__` may warn.
        own = getattr(sys.modules.get(top), "__dict__", {}).get("__version__")
        version = installed.get(name) or (own if isinstance(own, str) else None)
        if version is not None and not top.startswith("_"):
            found[name] = version
    return dict(sorted(found.items()))


def _local_modules() -> list[Path]:
    """Files of the imported modules that belong to the program, sorted."""
    folder = home()
    inside = str(repository.find_root(folder) or folder).rstrip(os.sep) + os.sep
    files = set()
    for name, module in tuple(sys.modules.items()):
        file = getattr(module, "__dict__", {}).get("__file__")
        if isinstance(file, str) and file.startswith(inside) and name.split(".")[0] != "autolog":
            files.add(file)
    own = (file for file in files if file.endswith(".py") and not callsite.is_library_file(file))
    return [Path(file) for file in sorted(own)]


def _is_installed(path: Path) -> bool:
    return callsite.is_library_file(str(path)) or path.parent == Path(sys.executable).parent


def _relative(path: Path) -> str:
    """`path` as seen from the repository, else from the program's folder, else its bare name."""
    folder = home()
    for base in (repository.find_root(folder), folder):
        if base is not None and path.is_relative_to(base):
            return path.relative_to(base).as_posix()
    return path.name


def _text_of(path: Path, loader: Any, name: str) -> bytes | None:
    """A source file's bytes; a program within an archive is asked of its loader."""
    with contextlib.suppress(Exception):
        if path.suffix != ".pyc" and path.stat().st_size <= MOST_SOURCE_BYTES:
            return path.read_bytes()
        return None
    with contextlib.suppress(Exception):
        text = loader.get_source(name)
        return text.encode() if text is not None else None
    return None
