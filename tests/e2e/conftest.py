"""The program running on the tests' own stack, with empty topics and an empty database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.stack.local import LocalStack
from tests.support.live import Live, running_program


@pytest.fixture
async def live(local_stack: LocalStack, own_template: str, tmp_path: Path) -> AsyncIterator[Live]:
    """One worker at work, books and logs empty."""
    async with running_program(local_stack, own_template, tmp_path) as program:
        yield program
