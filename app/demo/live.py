"""The demo's live line: one that renews itself on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.text import Text

from app.demo.truth import CATEGORIES
from app.demo.watch import View, Watch
from app.errors import Transient

LOOK_SECONDS = 0.5
PLAIN_SECONDS = 5.0


class LiveLine:
    """Shows `sent()` beside the latest view; `say` puts a lasting line above it."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.sent: Callable[[], int] = lambda: 0
        self._started = time.monotonic()
        self._before = (self._started, 0)
        self._sent_rate = 0.0
        self._printed = 0.0
        self._live: Live | None = None
        self.open_before: Mapping[str, int] = {}
        """Category -> mismatches that were open already; not counted in the line."""

    @contextmanager
    def shown(self) -> Iterator[None]:
        if not self.console.is_terminal:
            yield
            return
        with Live(Text(""), console=self.console, refresh_per_second=4, transient=True) as self._live:
            yield
        self._live = None

    def say(self, text: str) -> None:
        line = f"{time.monotonic() - self._started:6.1f} s  {text}"
        self.console.print(line, highlight=False, soft_wrap=True)

    def show(self, view: View) -> None:
        line = self._line(view)
        if self._live is not None:
            self._live.update(Text(line))
        elif time.monotonic() - self._printed >= PLAIN_SECONDS:
            self._printed = time.monotonic()
            self.console.print(line, highlight=False, soft_wrap=True)

    async def follow(self, watch: Watch) -> None:
        """Look and show until cancelled; a server that does not answer for a moment is waited for."""
        while True:
            try:
                self.show(await watch.look())
            except Transient as error:
                self.say(f"no figures for a moment: {error}")
            await asyncio.sleep(LOOK_SECONDS)

    def _line(self, view: View) -> str:
        progress = view.progress
        self._measure()
        parts = [
            f"{time.monotonic() - self._started:6.1f} s",
            f"sent {self.sent():,} ({self._sent_rate:,.0f}/s)",
            f"committed {view.committed:,} ({view.rate:,.0f}/s)",
            f"lag {view.lag:,}",
        ]
        if progress is not None:
            parts.append(f"outbox {progress.outbox} | timers {progress.soon}")
            up = len(view.lanes_of_the_living())
            parts.append(f"workers {up} of {len(progress.silent_seconds)}")
            names = [*CATEGORIES, *sorted(set(progress.open) - set(CATEGORIES))]
            parts += [
                f"{name} {progress.open.get(name, 0) - self.open_before.get(name, 0)}" for name in names
            ]
            parts += [f"HALTED {reason}" for reason in progress.halted]
        return " | ".join(parts)

    def _measure(self) -> None:
        now, sent = time.monotonic(), self.sent()
        then, before = self._before
        if now - then >= LOOK_SECONDS / 2:
            self._sent_rate = (sent - before) / (now - then)
            self._before = (now, sent)
