"""The errors that the public calls raise on bad use; a training never sees one of them."""

from __future__ import annotations


class AutologError(Exception):
    """What happened, where, and what to do next, in one or two lines."""


class BackendError(AutologError):
    """A store could not be read or written; the only error that a backend raises.

    Attributes:
        retry_after: Seconds after which the store asks to be tried again; None where it says none.
        permanent: Sending the very same thing again is useless: the store refuses what is sent,
            not the moment.
    """

    retry_after: float | None = None
    permanent: bool = False


def permanent(message: str) -> BackendError:
    """The error for what is refused for good."""
    error = BackendError(message)
    error.permanent = True
    return error


def reason(error: BaseException, *places: str) -> str:
    """The first line of `error`, without the name of a store that it begins with.

    `places` are the names that whoever passes it on has said already.
    """
    line = (str(error).splitlines() or [""])[0]
    for place in places:
        line = line.removeprefix(f"{place}: ")
    return line or type(error).__name__


class IncompatibleStore(BackendError):
    """The store was made by another version of autolog, which this one cannot read, or not write.

    Attributes:
        why: What is the matter, without the store's name: for those who need not know it.
    """

    def __init__(self, uri: str, why: str, remedy: str) -> None:
        super().__init__(f"{uri} {why}: {remedy}")
        self.why = why


class NotFound(BackendError):
    """The run, record or artifact asked for is not in this store."""


class UsageError(AutologError):
    """A call or command was given something that it cannot work with."""


class FilterError(UsageError):
    """A filter does not parse; the message shows the place with a caret."""


class UntrustedModel(AutologError):
    """A model would have to be unpickled, and nobody whom the caller trusts vouches for it."""
