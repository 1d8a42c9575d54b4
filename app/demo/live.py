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

WORDS = {
    "AMOUNT_UNDER": "under",
    "AMOUNT_OVER": "over",
    "PARTIAL_SETTLEMENT": "partial",
    "FEE_VARIANCE": "fee",
    "CURRENCY_MISMATCH": "currency",
    "FX_VARIANCE": "rate",
    "DIRECTION_MISMATCH": "direction",
    "DUPLICATE_SETTLEMENT": "settled twice",
    "LATE": "late",
    "MISSING_SETTLEMENT": "not settled",
    "MISSING_PAYMENT": "not announced",
    "DUPLICATE_PAYMENT": "paid twice",
    "STATUS_MISMATCH": "status",
    "AMBIGUOUS": "ambiguous",
    "DISPUTE_UNMATCHED": "dispute",
}
"""A word per category, so that all of them fit into a line or two; the table at the end has their names."""
LOOK_SECONDS = 0.5
PLAIN_SECONDS = 5.0


class LiveLine:
    """Shows `sent()` records and `delivered()` webhooks beside the latest view; `say` puts a lasting line

    above it.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self.sent: Callable[[], int] = lambda: 0
        self.delivered: Callable[[], int] = lambda: 0
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
            f"sent {self.sent():,} and {self.delivered():,} webhooks ({self._sent_rate:,.0f}/s)",
            f"committed {view.committed:,} ({view.rate:,.0f}/s)",
            f"lag {view.lag:,}",
        ]
        if progress is not None:
            parts.append(f"outbox {progress.outbox} | timers {progress.soon}")
            up = len(view.lanes_of_the_living())
            parts.append(f"workers {up} of {len(progress.silent_seconds)}")
            parts += [f"HALTED {reason}" for reason in progress.halted]
        return " | ".join(parts) + self._open(view)

    def _open(self, view: View) -> str:
        """A second line: what is open of each category, and was not before."""
        progress = view.progress
        if progress is None:
            return ""
        names = [*CATEGORIES, *sorted(set(progress.open) - set(CATEGORIES))]
        counted = {name: progress.open.get(name, 0) - self.open_before.get(name, 0) for name in names}
        found = [f"{WORDS.get(name, name)} {number}" for name, number in counted.items() if number]
        if not found:
            return ""
        return f"\n{'':8}   open {sum(counted.values())}: {', '.join(found)}"

    def _measure(self) -> None:
        now, sent = time.monotonic(), self.sent() + self.delivered()
        then, before = self._before
        if now - then >= LOOK_SECONDS / 2:
            self._sent_rate = (sent - before) / (now - then)
            self._before = (now, sent)
