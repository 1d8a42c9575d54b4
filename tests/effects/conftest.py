"""Workers at work on the tests' own stack, with empty topics and books, and a merchant's server to reach."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from app.stack.local import LocalStack
from tests.effects.receiver import Receiver, receiving
from tests.effects.workers import Workers
from tests.support.live import Live, prepared_program


@pytest.fixture
async def live(local_stack: LocalStack, own_template: str, tmp_path: Path) -> AsyncIterator[Live]:
    """The program without a worker; `workers` starts them."""
    async with prepared_program(local_stack, own_template, tmp_path) as live:
        yield live


@pytest.fixture
def workers(live: Live, tmp_path: Path) -> Iterator[Workers]:
    started = Workers(live, tmp_path)
    yield started
    started.end()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as server:
        yield server
