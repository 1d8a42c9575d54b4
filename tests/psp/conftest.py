"""A PSP that answers as it is told."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.psp_server import PspServer, psp_server


@pytest.fixture
async def psp() -> AsyncIterator[PspServer]:
    async with psp_server() as server:
        yield server
