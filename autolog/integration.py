"""The author's contract: an integration is a class, a hook is a generator with one `yield`.

What stands before `yield` runs before the framework's call, what stands after it runs after
success. The hook never holds the original, so that it is called exactly once and its result and
exceptions pass untouched; guarding, nesting and undo are the engine's business.
"""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import sys
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from types import FrameType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, TypeVar

import wrapt

from ._importlib_bootstrap import is_internal

if TYPE_CHECKING:
    from .callsite import Site
    from .engine import Begun
    from .standing import StandingRuns

Nested = Literal["skip", "join", "child", "always"]
Hooked = TypeVar("Hooked", bound=Callable[..., Iterator[None]])


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """What a hook is put round: `names` of `owner` (a class) or of `module` (functions)."""

    kind: Literal["subclasses", "method", "function"]
    module: str
    owner: str
    names: tuple[str, ...]


def subclasses(module: str, owner: str, *names: str) -> Target:
    """The methods `names` of every subclass of `module.owner` that exists or is yet to come.

    The first is the one that the others come back to: where a subclass has it from a class that
    is no subclass of `module.owner`, it is hooked on the subclass all the same.
    """
    return Target("subclasses", module, owner, names)


def method(module: str, owner: str, *names: str) -> Target:
    """The methods `names` of the class `module.owner` itself."""
    return Target("method", module, owner, names)


def function(module: str, *names: str) -> Target:
    """The functions `names` of `module`, however and whenever they were imported."""
    return Target("function", module, "", names)


@dataclasses.dataclass(frozen=True, slots=True)
class Hook:
    """One generator of an integration and where it stands.

    `opens_run`: True opens a run for each outermost call; the name of a method of the
    integration asks `method(call) -> bool` first: where it says no, the call and all that is
    nested in it stay silent. `nested` says what a call inside another hooked call does: stay
    silent (`skip`), run the hook in the outer run (`join`), or open a run below it (`child`);
    `always` is for plumbing: the hook runs even where nothing is recorded. `covers`: hooked calls
    inside this one are nested in it, though it opens no run. `only`: the name of a method of the
    integration that is asked `method(instance, args) -> bool` before anything else, at next to no
    cost: for hooks on what is called often and of which few calls matter.
    """

    target: Target
    generator: Callable[..., Iterator[None]]
    opens_run: bool | str
    nested: Nested
    covers: bool = False
    only: str = ""

    @property
    def name(self) -> str:
        """The hook's name in `doctor` and in messages."""
        return self.generator.__name__


def around(
    target: Target,
    *,
    opens_run: bool | str = False,
    nested: Nested = "skip",
    covers: bool = False,
    only: str = "",
) -> Callable[[Hooked], Hooked]:
    """Put the decorated generator `hook(self, call, run)` round every call of `target`.

    Without `opens_run` the hook gets the current run, or None where there is none.
    """

    def mark(generator: Hooked) -> Hooked:
        hook = Hook(target, generator, opens_run, nested, covers, only)
        generator.__dict__.setdefault("__autolog_hooks__", []).append(hook)
        return generator

    return mark


class Call:
    """One call of a hooked function as its hook sees it.

    Attributes:
        instance: The object whose method is called; None for functions.
        args, kwargs: Copies that the original is called with; a hook may change them (the
            *values* are the user's: never mutate those).
        function: The original, for its name and signature; hooks do not call it.
        result: What the original returned; only after `yield`.
        error: What it raised, for a hook that catches `GeneratorExit` at its `yield`.
        site: Where the call stands in the user's code, or None where nothing there called it.
        names: By which the hooked function can be called, whatever its own `__name__` says.
        owner: The hooked call whose run this one joins; None where it has a run of its own, or
            joins one that was opened by hand.
    """

    __slots__ = (
        "_bound",
        "_names",
        "args",
        "entry",
        "error",
        "function",
        "instance",
        "kwargs",
        "names",
        "owner",
        "result",
        "site",
    )

    def __init__(
        self,
        function: Any,
        instance: Any,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        names: tuple[str, ...] = (),
    ) -> None:
        self.function = function
        self.names = names
        self.instance = instance
        self.args = args
        self.kwargs = dict(kwargs)
        self.result: Any = None
        self.error: BaseException | None = None
        self.site: Site | None = None
        self.owner: Begun | None = None
        self.entry: Any = None
        self._names: Mapping[int | str, str] | None = None
        self._bound: dict[str, Any] | None = None

    @property
    def principal(self) -> bool:
        """Whether this is the training that its run is about: always so in a run of its own.

        In a run that it joins it is where the innermost call of the outer integration, which this
        one is a part of, trains what the run will hold: the last step of a pipeline, the refitted
        model of a search, and not one of its folds.
        """
        if self.owner is None:
            return True
        outer = self.owner.entry.integration
        for entries, instance, begun in driven(sys._getframe(1)):
            if begun is self.owner:
                return True
            if any(one.integration is outer and one is not self.entry for one in entries):
                return outer.holds(outer.subject(self.owner.call), instance)
        return False

    def arg(self, name: str | int, default: Any = None) -> Any:
        """The argument that the parameter `name` receives, however it was passed.

        A number is a position among the arguments, for functions that take `*args` alone.
        """
        if isinstance(name, int):
            return self.args[name] if name < len(self.args) else default
        if self._bound is None:
            self._bound = bind(self.function, self.args, self.kwargs)
        return self._bound.get(name, default)

    def variable(self, name: str | int) -> str:
        """How the caller's source names the argument for `name`; `unknown` without a source."""
        if self._names is None:
            self._names = {} if self.site is None else names_at(self.site, self)
        if name in self._names:
            return self._names[name]
        positions = parameter_names(self.function)
        if name in positions:
            return self._names.get(positions.index(name), "unknown")
        return "unknown"


def driven(frame: FrameType | None) -> Iterator[tuple[list[Any], Any, Begun | None]]:
    """The hooked calls that are under way on this stack, innermost first, silent ones too.

    Of each what stands there, the instance, and what has begun. Reads the locals of the engine's
    own frames alone.
    """
    while frame is not None:
        if frame.f_code.co_name == DRIVE and is_internal(frame.f_code.co_filename):
            found = frame.f_locals
            yield found["entries"], found["instance"], found.get("begun")
        frame = frame.f_back


DRIVE = "drive_hooked_call"
"""The name of the engine's one function that stands between a caller and the original."""

ALIASES = ("fit_transform", "fit_predict", "fit_resample")
"""Methods of mixins that hand their arguments on to `fit` in the same order."""


def names_at(site: Site, call: Call) -> Mapping[int | str, str]:
    """How the user's source names the call's arguments, through a mixin's method too."""
    if site.direct:
        called = dict.fromkeys((getattr(call.function, "__name__", ""), *call.names))
        if "__init__" in called:  # nobody writes that: the class is called
            called = dict.fromkeys(base.__name__ for base in type(call.instance).__mro__)
        found = (site.argument_names(name, *one) for one in _written(call) for name in called)
    else:
        given = len(call.args), call.kwargs.keys()
        found = (site.argument_names(alias, *given, through=True) for alias in ALIASES)
    return next((names for names in found if names), {})


def _written(call: Call) -> Iterator[tuple[int, Collection[str]]]:
    """How many positional arguments, and which keywords, the call may be written with.

    What a function that is hooked in place receives has its defaults filled in, by position.
    """
    yield len(call.args), call.kwargs.keys()
    if call.instance is None:
        names = parameter_names(call.function)[: len(call.args)]
        for count in range(len(names) - 1, -1, -1):
            yield count, {*names[count:], *call.kwargs}


_parameters: weakref.WeakKeyDictionary[Any, tuple[str, ...]] = weakref.WeakKeyDictionary()


def parameter_names(function: Any) -> tuple[str, ...]:
    """The positional parameters of `function` in order, without a bound `self`."""
    key = unbound(function)
    try:
        return _parameters[key]
    except (KeyError, TypeError):
        pass
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return ()
    names = tuple(p.name for p in parameters if p.kind <= p.POSITIONAL_OR_KEYWORD)
    if names[:1] == ("self",):  # called through the class: the engine has taken the instance off
        names = names[1:]
    with contextlib.suppress(TypeError):
        _parameters[key] = names
    return names


def unbound(function: Any) -> Any:
    """The function behind a bound method or wrapt's stand-in for one, which hold the instance."""
    if isinstance(function, wrapt.PartialCallableObjectProxy):
        return function.__wrapped__
    return getattr(function, "__func__", function)


def bind(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments by parameter name; never raises, since a wrong call is the original's to refuse."""
    bound = dict(zip(parameter_names(function), args, strict=False))
    bound.update(kwargs)
    return bound


def option(default: Any, says: str) -> Any:
    """A field of an options dataclass: its default and the sentence for the documentation."""
    if isinstance(default, dict | list | set):
        return dataclasses.field(
            default_factory=lambda: type(default)(default), metadata={"says": says}
        )
    return dataclasses.field(default=default, metadata={"says": says})


class Captured(NamedTuple):
    """What a hook records, in words: the kind of record, what it says, the option that it needs."""

    kind: str
    says: str
    option: str = ""


@dataclasses.dataclass
class NoOptions:
    """The options of an integration that has none."""


class Integration:
    """One library's hooks. Subclass it, say which `library`, and decorate generators.

    Class attributes:
        library: Distribution and oldest tested version, `"scikit-learn>=1.4"`.
        module: The top-level import name; found in the name of the entry point if left out.
        kinds: What `kind` may answer, for `exclude=kind:…`.
        captures: What each hook records, by its name, for `autolog doctor --explain`.
        installed: The same of what `install` puts on, by the dotted place that it is put on.
        flavors: How this library's models are saved: `(model class path, flavor)` pairs live in
            the entry points `autolog.flavors`; see `docs/writing-an-integration.md`.
    """

    library: ClassVar[str] = ""
    module: ClassVar[str] = ""
    kinds: ClassVar[tuple[str, ...]] = ()
    captures: ClassVar[Mapping[str, tuple[Captured, ...]]] = {}
    installed: ClassVar[Mapping[str, tuple[Captured, ...]]] = {}
    options: Any = NoOptions()
    standing: StandingRuns

    def __init__(self, options: Any = None) -> None:
        self.options = self.options_type()() if options is None else options

    @classmethod
    def options_type(cls) -> type:
        """The dataclass of the class's options, from the annotation of `options`."""
        for base in cls.__mro__:
            hint = inspect.get_annotations(base).get("options")
            if isinstance(hint, str):  # one annotation alone: the others need not resolve here
                hint = eval(hint, vars(sys.modules[base.__module__]))
            if isinstance(hint, type) and dataclasses.is_dataclass(hint):
                return hint
        return NoOptions

    @classmethod
    def hooks(cls) -> list[Hook]:
        """All hooks of the class and its bases, in the order in which they are written."""
        found: dict[str, list[Hook]] = {}
        for base in reversed(cls.__mro__):
            for name, member in vars(base).items():
                if hasattr(member, "__autolog_hooks__"):
                    found[name] = list(member.__autolog_hooks__)
        return [hook for hooks in found.values() for hook in hooks]

    def install(self, module: Any) -> Iterator[Callable[[], object]]:
        """Register the library's own hooks; yield a callable that takes each of them off."""
        yield from ()

    def run_name(self, call: Call) -> str:
        """The name of the run that `call` opens."""
        if call.instance is not None:
            return type(call.instance).__qualname__
        return str(getattr(call.function, "__name__", "run"))

    def subject(self, call: Call) -> Any:
        """Whose training `call` is: the object whose class and kind `exclude` looks at."""
        return call.instance

    def holds(self, subject: Any, part: Any) -> bool:
        """Whether training `part` is what the training of `subject` is about, in the end."""
        return part is subject

    def kind(self, subject: Any) -> str:
        """Which of `kinds` an object is; empty where that means nothing."""
        return ""

    def classes(self) -> Iterable[str]:
        """Dotted paths of further classes that the `subclasses` hooks are put on."""
        return ()


_adopted: dict[str, weakref.WeakSet[type]] = {}
_adopters: list[Callable[[str, type], None]] = []


def adopt(integration: str, cls: type) -> None:
    """Put the `subclasses` hooks of an integration on one more class, now and after enabling."""
    _adopted.setdefault(integration, weakref.WeakSet()).add(cls)
    for adopter in _adopters:
        adopter(integration, cls)


def adopted(integration: str) -> list[type]:
    """The classes that were given to `adopt` so far."""
    return list(_adopted.get(integration, ()))


def on_adoption(adopter: Callable[[str, type], None]) -> Callable[[], None]:
    """Have `adopter(integration, cls)` called for each `adopt`; gives the undo."""
    _adopters.append(adopter)
    return lambda: _adopters.remove(adopter)
