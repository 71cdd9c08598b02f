"""The hooks on the fits of searches and validations, one after the other or in workers."""

from __future__ import annotations

from collections.abc import Iterator

from autolog.integration import Call, around, function, method
from autolog.live import Run

from . import batches, watching


class FitHooks:
    """A part of the integration: every fit is given out, computed somewhere, and comes back."""

    @around(method("sklearn.utils.parallel", "Parallel", "__call__"), nested="join")
    def parallel(self, call: Call, run: Run | None) -> Iterator[None]:
        """The fits of a search or a validation, as they are given out; hooked on scikit-learn's
        own `Parallel`, through which they all go to whatever backend (scikit-learn 1.4 to 1.9).
        The tasks pass through `map`, which leaves no frame in the traceback of an error of theirs.
        """
        watch = watching.watch_of(run)
        if watch is None or not watch.free():
            yield
            return
        with watch.over(call.instance) as see:
            call.args = (map(see, call.arg("iterable")),)
            call.kwargs = {}
            yield
            watch.gathered(call.result)

    @around(function("sklearn.model_selection._validation", *watching.FITS), nested="join")
    def fold(self, call: Call, run: Run | None) -> Iterator[None]:
        """What is fitted one after the other in the search's own thread comes back here; in place,
        as the workers' pickles name these functions. Workers' results come by way of joblib.
        """
        watch = watching.watch_of(run)
        one = None if watch is None else watch.ours()
        if watch is None or one is None:
            yield
            return
        with watch.fitting(one):
            yield
        watch.come(one.given - 1, [call.result])

    @around(
        method("joblib.parallel", "BatchCompletionCallBack", "__init__"),
        nested="always",
        only="heard",
    )
    def given_out(self, call: Call, run: Run | None) -> Iterator[None]:
        """The one place where joblib counts the tasks of a batch, whatever the backend (joblib
        1.3 to 1.6).
        """
        yield
        batches.given_out(call.instance, call.arg("batch_size"), call.arg("parallel"))

    @around(
        method("joblib.parallel", "BatchCompletionCallBack", "_register_outcome"),
        nested="always",
        only="heard",
    )
    def came_back(self, call: Call, run: Run | None) -> Iterator[None]:
        """Where all backends' results come home, in joblib's own threads too (joblib 1.3 to 1.6);
        before it, as the search may be over as soon as it has the last of them.
        """
        batches.came_back(call.instance, call.arg("outcome")["result"])
        yield

    heard = staticmethod(batches.heard)
