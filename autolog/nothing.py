"""The run of a program whose recording is switched off: takes everything, keeps nothing."""

from __future__ import annotations

from typing import Any

from .live import Run


class NoRun(Run):
    """What `start_run` gives under `AUTOLOG=0`; creates no file."""

    def __init__(self) -> None:
        facts = {"name": "off", "experiment": "off", "light": True}
        super().__init__(None, "0" * 32, facts)  # type: ignore[arg-type]

    def _append(self, facts: list[Any]) -> None:
        return None

    def log_table(self, name: str, data: Any) -> None:
        """Nothing."""

    def log_artifact(self, source: Any, name: str | None = None) -> None:
        """Nothing."""

    def log_figure(self, figure: Any, name: str = "figure.png") -> None:
        """Nothing."""

    def log_model(self, name: str, model: Any, **details: Any) -> None:
        """Nothing."""

    def log_dataset(self, role: str, data: Any, target: Any = None, **details: Any) -> None:
        """Nothing."""

    def child(self, name: str, *, light: bool = False) -> Run:
        """Another one like this."""
        return NoRun()

    def end(self, status: Any = "finished", error: BaseException | None = None) -> None:
        """Nothing."""
        self.ended = True

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *error: object) -> None:
        self.end()
