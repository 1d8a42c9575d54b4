"""Tells how far a file has come, on stderr: a bar on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Final

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

LINE_SECONDS: Final = 5.0


class Telling:
    """One stage after the other: `stage`, then `advance` as often as there is something to tell."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._bar: Progress | None = None
        self._what, self._done, self._total, self._said = "", 0, 0, 0.0

    def __enter__(self) -> Telling:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def stage(self, what: str, total: int, *, in_bytes: bool = False) -> None:
        self._close()
        self._what, self._done, self._total, self._said = what, 0, total, time.monotonic()
        if self._console.is_terminal:
            amount = DownloadColumn() if in_bytes else MofNCompleteColumn()
            columns = ("[progress.description]{task.description}", BarColumn(), amount, TimeRemainingColumn())
            self._bar = Progress(*columns, console=self._console, transient=True)
            self._bar.start()
            self._task = self._bar.add_task(what, total=total)

    def advance(self, count: int) -> None:
        self._done += count
        if self._bar is not None:
            self._bar.advance(self._task, count)
        elif time.monotonic() - self._said > LINE_SECONDS:
            self._said = time.monotonic()
            self.say(f"{self._what}: {self._done:,} of {self._total:,}")

    def say(self, sentence: str) -> None:
        if self._bar is not None:
            self._bar.console.print(sentence, highlight=False, markup=False)
        else:
            click.echo(sentence, err=True)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
