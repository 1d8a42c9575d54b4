"""Names of endpoints: some that hang hold up neither the others nor more than one thread each."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from threading import Event, Lock
from typing import Any

import pytest

from app.effects import outbound
from app.effects.outbound import OwnThreads


class Names:
    """Stands for the system's resolver: `hangs…` is answered when the test says so."""

    def __init__(self) -> None:
        self.go_on, self.asked, self._lock = Event(), list[str](), Lock()

    def look_up(self, host: str, family: int) -> list[Any]:
        with self._lock:
            self.asked.append(host)
        if host.startswith("hangs"):
            self.go_on.wait(30)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 0))]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    names = Names()
    monkeypatch.setattr(outbound, "_look_up", names.look_up)
    yield names
    names.go_on.set()


async def test_a_hundred_names_that_hang_delay_no_other(names: Names) -> None:
    resolver = OwnThreads()
    hanging = [asyncio.create_task(resolver.resolve(f"hangs-{n}.test")) for n in range(100)]
    async with asyncio.timeout(10):
        (found,) = await resolver.resolve("well.test", 8443)
    assert (found["host"], found["port"]) == ("192.0.2.1", 8443)
    names.go_on.set()
    await asyncio.gather(*hanging)
    await resolver.close()


async def test_a_name_that_hangs_is_asked_for_once_however_often_it_is_given_up(names: Names) -> None:
    resolver = OwnThreads()
    for _ in range(5):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await resolver.resolve("hangs.test")
    again = asyncio.create_task(resolver.resolve("hangs.test", 443))
    await asyncio.sleep(0)  # it has asked now: it must not begin when the answer is there already
    names.go_on.set()
    (found,) = await again
    assert (found["port"], names.asked) == (443, ["hangs.test"])
    await resolver.resolve("hangs.test")
    assert names.asked == ["hangs.test", "hangs.test"]
    await resolver.close()
