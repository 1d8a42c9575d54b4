"""`/v1/mismatches/stream`: nothing is missed and nothing comes twice, whoever goes away in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.support.waiting import eventually
from tests.web import rows
from tests.web.conftest import Web
from tests.web.events import Events
from web import boxes, feed, following
from web.boxes import Boxes, new_box
from web.deps import DEPS
from web.feed import MismatchFeed

STREAM = "/v1/mismatches/stream"


class Heard(Events):
    """`known`: mismatch -> the status it was last said to have; `left`: those said to have left."""

    def __init__(self, response: Any) -> None:
        super().__init__(response)
        self.known: dict[str, str] = {}
        self.seqs: list[tuple[str, int]] = []
        self.left: list[str] = []

    def take(self, name: str, data: Any) -> None:
        if name == "mismatch":
            self.known[data["id"]] = data["status"]
            self.seqs.append((data["id"], data["seq"]))
        elif name == "left":
            self.left.append(data["id"])


async def first_of(events: Heard) -> None:
    await events.until(lambda: events.known)


@asynccontextmanager
async def listening(
    web: Web, headers: dict[str, str], query: str = "", last_id: str = ""
) -> AsyncIterator[Heard]:
    own = {**headers, **({"Last-Event-ID": last_id} if last_id else {})}
    async with web.client.get(f"{STREAM}?{query}", headers=own) as response:
        assert response.status == 200, await response.text()
        assert response.headers["Content-Type"].startswith("text/event-stream")
        yield Heard(response)


def the_feed(web: Web) -> MismatchFeed:
    found: MismatchFeed = web.client.app[DEPS].feed
    return found


async def test_each_change_comes_once_with_its_place_in_the_log(web: Web, viewer: dict[str, str]) -> None:
    async with listening(web, viewer) as events:
        assert await events.next() == "ready"
        await rows.news(web, "a", currency="JPY", expected_amount=5, actual_amount=3)
        await events.until(lambda: "a" in events.known)
        data = events.data[-1]
        assert (data["change"], data["difference"], data["detected_after_ms"]) == ("opened", -2, 140)
        assert "explanation" not in data
        web.tail.append("a", web.tail.logs[0][0].value if web.tail.logs[0] else web.tail.logs[1][0].value)
        await rows.news(web, "a", "resolved", 2, status="auto_resolved")
        await events.until(lambda: events.known["a"] == "auto_resolved")
    assert events.seqs == [("a", 1), ("a", 2)]
    _, listed = await web.get("/v1/mismatches/a", viewer)
    assert listed["seq"] == 2


async def test_whoever_comes_back_gets_what_was_missed_and_nothing_twice(
    web: Web, viewer: dict[str, str]
) -> None:
    async with listening(web, viewer) as events:
        await events.next()
        for number in range(5):
            await rows.news(web, f"a{number}")
        await events.until(lambda: len(events.known) == 5)
    for number in range(20):
        await rows.news(web, f"b{number}")
    await rows.news(web, "a1", "resolved", 2, status="auto_resolved")
    async with listening(web, viewer, last_id=events.last_id) as later:
        await later.until(lambda: len(later.known) == 21)
        await rows.news(web, "c")
        await later.until(lambda: "c" in later.known)
    assert sorted(later.seqs) == sorted([(f"b{n}", 1) for n in range(20)] + [("a1", 2), ("c", 1)])


async def test_every_place_to_leave_is_a_place_to_go_on(
    web: Web, viewer: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in the middle of what is caught up, in pieces of three records."""
    monkeypatch.setattr(following, "CHUNK_RECORDS", 3)
    wanted = {f"m{number}" for number in range(11)}
    for mismatch_id in sorted(wanted):
        await rows.news(web, mismatch_id)
    await eventually(lambda: sum(the_feed(web).positions or ()) == 11, 10, "the feed to have read all")
    got: list[tuple[str, int]] = []
    last_id = "0.0"
    while len(got) < 11:
        async with listening(web, viewer, last_id=last_id) as events:
            await first_of(events)
            got += events.seqs
            last_id = events.last_id
    assert sorted(got) == sorted((mismatch_id, 1) for mismatch_id in wanted)


@pytest.mark.parametrize("wrong", ["1", "0.0.0", "99.0", "0.99", "abc", "1.-1", "9" * 30, "1..2"])
async def test_a_place_that_is_not_in_the_log_is_a_reset(
    web: Web, viewer: dict[str, str], wrong: str
) -> None:
    async with listening(web, viewer, last_id=wrong) as events:
        assert await events.next() == "reset"
        assert events.last_id == "0.0"
        await rows.news(web, "a")
        await events.until(lambda: "a" in events.known)


async def test_a_place_that_is_too_old_is_a_reset(web: Web, viewer: dict[str, str]) -> None:
    await rows.news(web, "a")
    await rows.news(web, "b")
    await eventually(lambda: sum(the_feed(web).positions or ()) == 2, 10, "the feed")
    web.tail.cut()
    async with listening(web, viewer, query="after=0.0") as events:
        assert await events.next() == "reset"
        await rows.news(web, "c")
        await events.until(lambda: "c" in events.known)
        assert set(events.known) == {"c"}


async def test_kafka_away_and_back_misses_nothing(web: Web, viewer: dict[str, str]) -> None:
    async with listening(web, viewer) as events:
        await events.next()
        web.tail.leave()
        assert await events.next() == "trouble"
        await rows.news(web, "a")
        async with listening(web, viewer, last_id="0.0") as other:
            await other.until(lambda: "trouble" in other.names)
            web.tail.come_back()
            await events.until(lambda: "a" in events.known)
            await other.until(lambda: "a" in other.known)
        assert "ready" in events.names[1:]
    assert events.seqs == other.seqs == [("a", 1)]


async def test_a_log_that_lost_its_records_is_said(
    web: Web, viewer: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "LOST_SECONDS", 0.1)
    async with listening(web, viewer) as events:
        await events.next()
        await rows.news(web, "a")
        await events.until(lambda: "a" in events.known)
        web.tail.leave()
        await events.until(lambda: events.names[-1] == "trouble")
        web.tail.logs = [[], []]
        web.tail.come_back()
        await events.until(lambda: events.names[-1] == "reset")
        await rows.news(web, "b")
        await events.until(lambda: "b" in events.known)


async def test_filters_hold_and_what_no_longer_fits_is_said_to_leave(
    web: Web, viewer: dict[str, str]
) -> None:
    async with listening(web, viewer, "category=LATE&open=true&amount_from=100") as events:
        await events.next()
        await rows.news(web, "other category")
        await rows.news(web, "other amount", category="LATE", expected_amount=5, actual_amount=4)
        await rows.news(web, "it", category="LATE")
        await rows.news(web, "it", "resolved", 2, category="LATE", status="auto_resolved")
        await rows.news(web, "other category", "resolved", 2, status="auto_resolved")
        await rows.news(web, "end", category="LATE")
        await events.until(lambda: "end" in events.known)
    assert [name for name, _ in events.seqs] == ["it", "end"]
    assert events.left == ["it"]


async def test_a_merchant_hears_only_of_its_own(web: Web, acme: dict[str, str]) -> None:
    async with listening(web, acme) as events:
        await events.next()
        for number, merchant_id in enumerate(["m-2", None, "m-1"]):
            await rows.news(web, f"a{number}", merchant_id=merchant_id)
            await rows.news(web, f"a{number}", "changed", 2, merchant_id=merchant_id)
        await events.until(lambda: ("a2", 2) in events.seqs)
    assert set(events.known) == {"a2"}
    assert events.left == []
    assert (await web.get(f"{STREAM}?merchant_id=m-2", acme))[0] == 403


async def test_records_of_a_later_version_are_passed_over(web: Web, viewer: dict[str, str]) -> None:
    async with listening(web, viewer) as events:
        await events.next()
        for value in (b"", b"{", b'{"type":"mismatch.split","id":"x"}'):
            web.tail.append("x", value)
        await rows.news(web, "a")
        await events.until(lambda: "a" in events.known)


async def test_news_do_not_wait_for_the_database(web: Web, viewer: dict[str, str]) -> None:
    async with listening(web, viewer) as events:
        await events.next()

        async def never(ids: Any) -> dict[str, int]:
            await asyncio.Event().wait()
            return {}

        the_feed(web)._found = never
        await rows.news(web, "a")
        await events.until(lambda: "a" in events.known)
    assert events.data[-1]["detected_after_ms"] is None


async def test_silence_is_filled_with_comments_that_carry_the_place(
    web: Web, viewer: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A filter that finds nothing for a year must not have a year to catch up."""
    monkeypatch.setattr(following, "HEARTBEAT_SECONDS", 0.05)
    async with listening(web, viewer, "category=LATE") as events:
        await events.next()
        await rows.news(web, "a")
        await events.line(lambda line: line.startswith("id:") and "1" in line)
        assert events.comments > 0
    assert events.names == ["ready"]


async def test_a_client_that_does_not_read_is_closed_and_holds_up_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(boxes, "QUEUE_LENGTH", 5)
    clients = Boxes()
    with clients.joined(new_box()) as slow, clients.joined(new_box()) as quick:
        for number in range(6):
            clients.send(number)
            assert await quick.get() == number
        assert len(clients) == 1
        assert await slow.get() is None


async def test_one_key_cannot_take_every_place(
    web: Web, viewer: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boxes, "MOST_PER_KEY", 1)
    async with listening(web, viewer) as events:
        await events.next()
        status, problem = await web.get(STREAM, viewer)
        assert (status, problem["code"]) == (503, "too_many_streams")
        async with listening(web, await web.key("lead")) as another:
            await another.next()


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("category=X", "category"), ("severity=", "severity"), ("open=1&status=open", "open"), ("q=", "q"),
        ("limit=5", "limit"), ("sort=amount", "sort"), ("cursor=x", "cursor"), ("since=now", "since"),
        ("amount_from=-5", "amount_from"), ("currency=e", "currency"), (f"after={'1' * 4_001}", "after"),
        ("leg=Z", "leg"), ("after=1&after=2", "after"),
    ],
)  # fmt: skip
async def test_wrong_inputs(web: Web, viewer: dict[str, str], query: str, parameter: str) -> None:
    status, problem = await web.get(f"{STREAM}?{query}", viewer)
    assert (status, problem["code"]) == (422, "invalid_parameter")
    assert [error["parameter"] for error in problem["errors"]] == [parameter]


async def test_it_needs_a_key(web: Web) -> None:
    assert (await web.get(STREAM))[0] == 401
    assert (await web.get(STREAM, await web.key("ingest")))[0] == 403
