"""A worker that cannot reach the database says so by itself, once, and again when it is over."""

from __future__ import annotations

import msgspec

from app.domain.alert_delivery import AnyAlert, SlackAlert
from app.domain.alert_rules import AlertConfiguration
from app.effects.kind import Attempt, Outcome
from app.effects.outage import OutageWatch
from app.errors import Transient


class Database:
    def __init__(self) -> None:
        self.is_away = False

    async def ask(self) -> None:
        if self.is_away:
            raise Transient("no connection")


class Channel:
    """Takes what comes after `refusals` refusals."""

    def __init__(self) -> None:
        self.works: list[AnyAlert] = []
        self.refusals = 0

    async def perform(self, attempt: Attempt) -> Outcome:
        if self.refusals:
            self.refusals -= 1
            return Outcome(outcome="retry", reason="it answered 500")
        assert isinstance(attempt.work, SlackAlert)
        self.works.append(attempt.work)
        return Outcome(outcome="done")

    async def close(self) -> None: ...


def watch_of(database: Database, channel: Channel, worker: str = "w-1", after: int = 1) -> OutageWatch:
    document = {"channels": {"ops": {"kind": "slack"}}, "thresholds": {"outage_seconds": after}}
    configured = msgspec.convert(document, AlertConfiguration)
    return OutageWatch({"the database": database.ask}, {SlackAlert: channel}, lambda: configured, worker)


def long_ago(watch: OutageWatch) -> None:
    """As if it had been away for a minute."""
    watch._away = {name: (since - 60.0, began) for name, (since, began) in watch._away.items()}


async def test_an_outage_is_told_once_and_its_end_once() -> None:
    database, channel = Database(), Channel()
    watch = watch_of(database, channel)
    await watch.look()
    database.is_away = True
    await watch.look()
    assert channel.works == []
    long_ago(watch)
    for _ in range(3):
        await watch.look()
    database.is_away = False
    for _ in range(3):
        await watch.look()
    titles = [work.message.title for work in channel.works]
    assert titles == ["CRITICAL: the database cannot be reached", "Resolved: the database can be reached"]
    opened, closed = [work.message for work in channel.works]
    assert (opened.alert_id, opened.number, closed.number) == (closed.alert_id, 1, 2)


async def test_what_a_channel_does_not_take_is_tried_until_it_does() -> None:
    database, channel = Database(), Channel()
    database.is_away, channel.refusals = True, 3
    watch = watch_of(database, channel)
    await watch.look()
    long_ago(watch)
    for _ in range(6):
        await watch.look()
    assert len(channel.works) == 1


async def test_a_short_absence_is_not_told() -> None:
    database, channel = Database(), Channel()
    watch = watch_of(database, channel, after=30)
    database.is_away = True
    await watch.look()
    database.is_away = False
    await watch.look()
    assert channel.works == []


async def test_workers_that_see_the_same_outage_name_it_alike() -> None:
    database, channel = Database(), Channel()
    database.is_away = True
    for worker in ("w-1", "w-2"):
        watch = watch_of(database, channel, worker)
        await watch.look()
        long_ago(watch)
        await watch.look()
    one, two = [work.message for work in channel.works]
    assert one.message_id == two.message_id or one.at.hour != two.at.hour  # the hour may pass meanwhile
    assert one.text != two.text
