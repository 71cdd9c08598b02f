"""TensorBoard: what a program gives its `SummaryWriter` is recorded with the training as well.

For torch's writer (`torch.utils.tensorboard`) and that of `tensorboardX`.
"""

from __future__ import annotations

import dataclasses
import struct
import weakref
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, ClassVar

from autolog import following
from autolog.callsite import Site
from autolog.integration import Call, Captured, Hook, Integration, around, method, option
from autolog.live import Run
from autolog.reporting import note

WRITER = "torch.utils.tensorboard.writer"
Fact = Callable[[Run], None]
STATE = "tensorboard"
MOST_WAITING = 1000
MOST_TAGS = 64
MOST_ROWS = 10_000
"""Histograms that a run's table holds."""
LARGEST_IMAGE = 1 << 22
LONGEST_TEXT = 500

CAPTURES = {
    "scalar": (Captured("metric", "scalars by tag and global_step"),),
    "scalars": (Captured("metric", "scalars of one main tag, as `main/name`"),),
    "hparams": (
        Captured("param", "hyper-parameters"),
        Captured("metric", "the metrics given with them"),
    ),
    "image": (Captured("artifact", "the newest image or figure of each tag, as PNG", "images"),),
    "histogram": (Captured("table", "histograms: count, min, max, mean, std by tag and step"),),
    "text": (Captured("tag", "a short text; a longer one is an artifact"),),
}


@dataclasses.dataclass
class TensorboardOptions:
    """What is captured of a `SummaryWriter`."""

    images: bool = option(True, "Keep the newest image, or figure, of each tag.")


class Writers:
    """Which run a writer's facts belong to, and what waits for the first training."""

    def __init__(self) -> None:
        self._runs: weakref.WeakKeyDictionary[Any, Run] = weakref.WeakKeyDictionary()
        self._earlier: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()
        self._waiting: weakref.WeakKeyDictionary[Any, list[Fact]] = weakref.WeakKeyDictionary()

    def tell(self, writer: Any, opened: Run | None, fact: Fact | None) -> None:
        """Record a fact, and what has waited; or have it wait for the training."""
        waiting = self._waiting.setdefault(writer, [])
        if fact is not None and len(waiting) < MOST_WAITING:
            waiting.append(fact)
        run = self._run(writer, opened)
        if run is not None:
            self._runs[writer] = run
            self._waiting[writer] = []
            for one in waiting:
                one(run)

    def _run(self, writer: Any, opened: Run | None) -> Run | None:
        """The training here; else the run that is open by hand; else one that this writer knows.

        A training that is over already counts if the writer is older.
        """
        loop = following.training_here()
        before = self._earlier.setdefault(writer, "" if loop is None else loop.id)
        if loop is not None and (not loop.ended or loop.id != before):
            return loop
        return opened if opened is not None else self._runs.get(writer)

    def closed(self, writer: Any, opened: Run | None) -> None:
        """A writer is closed: what still waits belongs to no training."""
        self.tell(writer, opened, None)
        left = self._waiting.pop(writer, [])
        if left:
            note("tensorboard", f"{len(left)} entries of a SummaryWriter belong to no training")


class Tensorboard(Integration):
    """What is written to a `SummaryWriter` of torch joins the run of the training."""

    library: ClassVar[str] = "tensorboard>=2.10"
    module: ClassVar[str] = "tensorboard"
    captures: ClassVar[Mapping[str, tuple[Captured, ...]]] = CAPTURES
    options: TensorboardOptions

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        self.writers = Writers()

    @around(method(WRITER, "SummaryWriter", "add_scalar"), nested="join")
    def scalar(self, call: Call, run: Run | None) -> Iterator[None]:
        """Hooked on the writer's method, which programs call; a value on an accelerator has been
        read by it, so that ours waits for nothing (torch 2.2 to 2.13, tensorboardX 2.5 to 2.6).
        """
        yield
        found = {str(call.arg("tag")): call.arg("scalar_value")}
        self._told(call, run, partial(_points, found, call.arg("global_step"), call.site))

    @around(method(WRITER, "SummaryWriter", "add_scalars"), nested="join")
    def scalars(self, call: Call, run: Run | None) -> Iterator[None]:
        """Hooked beside `add_scalar`, which it does not call (as above)."""
        yield
        values = call.arg("tag_scalar_dict")
        found = {f"{call.arg('main_tag')}/{key}": value for key, value in values.items()}
        self._told(call, run, partial(_points, found, call.arg("global_step"), call.site))

    @around(method(WRITER, "SummaryWriter", "add_hparams"), nested="join", covers=True)
    def hparams(self, call: Call, run: Run | None) -> Iterator[None]:
        """Hooked for the dictionaries as they were given; the writer's own `add_scalar` for them
        goes to another folder (as above).
        """
        yield
        params, metrics = dict(call.arg("hparam_dict")), dict(call.arg("metric_dict") or {})
        step, site = call.arg("global_step"), call.site

        def tell(run: Run) -> None:
            run.log_params({key: _plain(value) for key, value in params.items()})
            _points(metrics, step, site, run)

        self._told(call, run, tell)

    @around(method(WRITER, "SummaryWriter", "add_image"), nested="join")
    def image(self, call: Call, run: Run | None) -> Iterator[None]:
        """Hooked where figures come through as well, drawn already (as above)."""
        yield
        if self.options.images:
            held = _pixels(call.arg("img_tensor"), call.arg("dataformats", "CHW"))
            if held is not None:
                self._told(call, run, partial(_image, str(call.arg("tag")), held))

    @around(method(WRITER, "SummaryWriter", "add_histogram"), nested="join")
    def histogram(self, call: Call, run: Run | None) -> Iterator[None]:
        """Hooked for the values as they were given; those on an accelerator are left out (as
        above).
        """
        yield
        found = _summary(call.arg("values"))
        if found is not None:
            where = str(call.arg("tag")), _number(call.arg("global_step"))
            self._told(call, run, partial(_histogram, where, found))

    @around(method(WRITER, "SummaryWriter", "add_text"), nested="join")
    def text(self, call: Call, run: Run | None) -> Iterator[None]:
        """Hooked for the text as it was given (as above)."""
        yield
        self._told(call, run, partial(_text, str(call.arg("tag")), str(call.arg("text_string"))))

    @around(method(WRITER, "SummaryWriter", "close"))
    def close(self, call: Call, run: Run | None) -> Iterator[None]:
        """Hooked since what no training has taken by then belongs to none (as above)."""
        self.writers.closed(call.instance, run)
        yield

    def _told(self, call: Call, run: Run | None, fact: Fact) -> None:
        """Within another library's training only what the program itself gives the writer: what
        the library's own logger does is told by its integration.
        """
        method = call.function.__name__
        if call.owner is None or (call.site is not None and call.site.callee() == method):
            self.writers.tell(call.instance, run, fact)


class TensorboardX(Tensorboard):
    """What is written to a `SummaryWriter` of tensorboardX joins the run of the training."""

    library: ClassVar[str] = "tensorboardX>=2.5"
    module: ClassVar[str] = "tensorboardX"

    @classmethod
    def hooks(cls) -> list[Hook]:
        """The same hooks on the writer of tensorboardX, which is one of its own."""
        return [
            dataclasses.replace(
                hook, target=dataclasses.replace(hook.target, module="tensorboardX.writer")
            )
            for hook in super().hooks()
        ]


def _points(values: Mapping[str, Any], step: Any, site: Site | None, run: Run) -> None:
    """Numbers under their tags; one that a series of ours has is told apart."""
    keys = run.state.setdefault(STATE, {})
    for tag, given in values.items():
        value = _number(given)
        if value is None:
            continue
        info = None
        if tag not in keys:
            own = run.unique("series", tag) == tag
            keys[tag] = tag if own else f"tensorboard/{tag}"
            info = {"unit": "global_step", "rule": "given to a SummaryWriter"}
            if site is not None:
                info.update({"call": site.call_text() or "", "site": str(site)})
        run.point(keys[tag], value, step, info)


def _number(value: Any) -> float | int | None:
    """One number of Python, numpy or a tensor; None for all else."""
    if type(value) in (int, float):
        return value  # type: ignore[no-any-return]
    item = getattr(value, "item", None)
    count = getattr(value, "size", 0)
    count = value.numel() if callable(count) else count
    number = item() if item is not None and count == 1 else None
    return number if type(number) in (int, float) else None


def _plain(value: Any) -> Any:
    number = _number(value)
    return value if number is None else number


def _text(tag: str, text: str, run: Run) -> None:
    if len(text) <= LONGEST_TEXT:
        run.set_tag(tag, text)
    else:
        run.log_artifact(text.encode("utf-8"), f"tensorboard/{_file(tag)}.md")


def _file(tag: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in tag)[:80]


# -- histograms --------------------------------------------------------------------------------


def _summary(given: Any) -> dict[str, float] | None:
    """What numbers come to; None for none, and for those on an accelerator."""
    import numpy

    if hasattr(given, "detach"):
        if given.device.type != "cpu":
            return None
        given = given.detach()
        given = (given.float() if given.is_floating_point() else given).numpy()
    held = numpy.asarray(given)
    if not held.size or held.dtype.kind not in "biuf":
        return None
    return {
        "count": held.size, "min": float(held.min()), "max": float(held.max()),
        "mean": float(held.mean(dtype=float)), "std": float(held.std(dtype=float)),
    }  # fmt: skip


def _histogram(where: tuple[str, float | None], found: Mapping[str, float], run: Run) -> None:
    rows = run.state.setdefault(f"{STATE}.histograms", [])
    if len(rows) < MOST_ROWS:
        tag, step = where
        rows.append({"tag": tag, "step": step, **found})
        run.later("histograms", lambda: run.log_table("histograms", rows))


# -- images ------------------------------------------------------------------------------------


def _pixels(image: Any, formats: str) -> Any:
    """A copy of an image as rows of 8-bit pixels; of several the first; None for none."""
    import numpy

    held = image.detach().cpu().numpy() if hasattr(image, "detach") else numpy.asarray(image)
    formats = formats.upper()
    if formats[:1] == "N" and held.ndim == 4 and len(held):
        held, formats = held[0], formats[1:]
    if held.ndim != len(formats) or held.size > LARGEST_IMAGE or not held.size:
        return None
    if "C" in formats:
        held = numpy.moveaxis(held, formats.index("C"), -1)
        if held.shape[-1] == 1:
            held = held[..., 0]
        elif held.shape[-1] not in (3, 4):
            return None
    if held.dtype != numpy.uint8:
        held = (numpy.clip(numpy.nan_to_num(held), 0, 1) * 255).astype(numpy.uint8)
    return held.copy()


def _image(tag: str, pixels: Any, run: Run) -> None:
    tags = run.state.setdefault(f"{STATE}.images", set())
    if len(tags) < MOST_TAGS or tag in tags:
        tags.add(tag)
        name = f"tensorboard/{_file(tag)}.png"
        run.later(name, lambda: run.log_artifact(_png(pixels), name))


def _png(pixels: Any) -> bytes:
    """An image as PNG: grey, RGB or RGBA, eight bits."""
    height, width = pixels.shape[:2]
    kind = {2: 0, 3: 2 if pixels.shape[-1] == 3 else 6}[pixels.ndim]
    rows = pixels.reshape(height, -1)
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(raw)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in parts
    )
