"""Tables: written by batches, restored from their changelogs, bounded, versioned, forgotten when lost."""

from __future__ import annotations

import pytest

from app.handover.application import LaneApp
from app.handover.table import LaneTable, changelog_spec
from app.kafka.publisher import Outgoing, Publisher
from app.kafka.reader import RangeReader
from app.kafka.topics_admin import check_topics, ensure_topics
from tests.handover.conftest import Start
from tests.handover.members import Books, member, restored, table
from tests.support.topics import fresh_topic, unique
from tests.support.waiting import eventually

PARTITIONS = 4


def versioned(version: int, text: bytes = b"") -> bytes:
    return version.to_bytes(8, "big") + text


class Setting:
    """One stream with one table, and members of its group."""

    def __init__(self, kafka: str, topic: str) -> None:
        self.kafka, self.topic, self.group, self.books = kafka, topic, unique("app"), Books()

    @classmethod
    async def made(cls, kafka: str) -> Setting:
        self = cls(kafka, await fresh_topic(kafka, "stream", PARTITIONS))
        specs = [changelog_spec(self.group, "wallets", PARTITIONS)]
        await ensure_topics(kafka, specs)
        assert await check_topics(kafka, specs) == []
        return self

    def member(self, max_keys: int | None = None) -> tuple[LaneApp, LaneTable]:
        app = member(self.kafka, self.group, [self.topic], self.books, PARTITIONS)
        return app, table(app, "wallets", PARTITIONS, max_keys)


def test_names_of_changelogs_are_pinned() -> None:
    """Data lies under these names."""
    spec = changelog_spec("tallystick", "wallets", 8, 3)
    assert (spec.name, spec.partitions, spec.replication) == ("tallystick-wallets-changelog", 8, 3)
    assert spec.config == {"cleanup.policy": "compact"}


async def test_a_restart_restores_what_was_written(kafka: str, start: Start) -> None:
    setting = await Setting.made(kafka)
    app, wallets = setting.member()
    await start(app)
    assert wallets.owned() == {0, 1, 2, 3}
    for partition in range(PARTITIONS):
        items = {b"%d-%d" % (partition, n): versioned(n, b"first") for n in range(300)}
        assert await wallets.put_batch(partition, items)
    assert await wallets.put_batch(2, {b"2-7": versioned(900, b"again"), b"2-8": None})
    await app.stop()

    app, again = setting.member()
    await start(app)
    await restored(again)
    assert len(again) == PARTITIONS * 300 - 1
    assert again.get(b"2-7") == versioned(900, b"again")
    assert again.get(b"2-8") is None
    assert again.get(b"1-299", partition=1) == versioned(299, b"first")
    assert again.get(b"1-299", partition=3) is None
    assert b"0-0" in again


async def test_writes_before_the_restore_ends_are_laid_over_it(
    kafka: str, publisher: Publisher, start: Start
) -> None:
    """Records flow while changelogs are read; nothing older comes back over what was written meanwhile."""
    setting = await Setting.made(kafka)
    changelog = changelog_spec(setting.group, "wallets", PARTITIONS).name
    old = [Outgoing(changelog, 0, b"%d" % n, versioned(n, b"old")) for n in range(20_000)]
    await publisher.publish(old)
    app, wallets = setting.member(max_keys=15_000)
    await start(app)
    assert 0 in wallets.restoring()
    assert await wallets.put_batch(
        0, {b"19000": versioned(30_000, b"new"), b"19001": None, b"new": versioned(1)}
    )
    assert wallets.get(b"19000") == versioned(30_000, b"new")
    assert 0 in wallets.restoring()
    await restored(wallets)
    assert wallets.get(b"19000") == versioned(30_000, b"new")
    assert wallets.get(b"19001") is None
    assert wallets.get(b"19002") == versioned(19_002, b"old")
    assert wallets.get(b"new") == versioned(1)
    assert wallets.get(b"4000") is None  # the bound holds
    assert wallets.size(0) == 15_000


async def test_the_changelog_partition_is_that_of_the_stream(kafka: str, start: Start) -> None:
    setting = await Setting.made(kafka)
    app, wallets = setting.member()
    await start(app)
    await wallets.put_batch(3, {b"a": versioned(1), b"b": versioned(1)})
    reader: RangeReader = app.reader
    records, _ = await reader.read(wallets.changelog_topic_name, 3, 0, 2)
    assert [(r.key, r.value) for r in records] == [(b"a", versioned(1)), (b"b", versioned(1))]


async def test_a_lower_version_never_replaces_a_higher(
    kafka: str, publisher: Publisher, start: Start
) -> None:
    """Such as a paused worker writes to the changelog when it wakes up."""
    setting = await Setting.made(kafka)
    changelog = changelog_spec(setting.group, "wallets", PARTITIONS).name
    written = [versioned(5), versioned(9, b"newest"), versioned(7, b"zombie")]
    await publisher.publish([Outgoing(changelog, 0, b"w", value) for value in written])
    app, wallets = setting.member()
    await start(app)
    await restored(wallets)
    assert wallets.get(b"w") == versioned(9, b"newest")
    await wallets.put_batch(0, {b"w": versioned(8, b"late")})
    assert wallets.get(b"w") == versioned(9, b"newest")
    await wallets.put_batch(0, {b"w": versioned(10)})
    assert wallets.get(b"w") == versioned(10)


async def test_a_bound_drops_the_oldest_here_and_in_the_changelog(kafka: str, start: Start) -> None:
    setting = await Setting.made(kafka)
    app, seen = setting.member(max_keys=100)
    await start(app)
    for n in range(0, 250, 50):
        await seen.put_batch(1, {b"id-%d" % m: versioned(m) for m in range(n, n + 50)})
    assert sorted(map(int, (key[3:] for key in seen))) == list(range(150, 250))
    records, _ = await app.reader.read(seen.changelog_topic_name, 1, 0, 400)
    assert sum(record.value is None for record in records) == 150
    await app.stop()
    app, seen = setting.member(max_keys=100)
    await start(app)
    await restored(seen)
    assert (seen.size(1), seen.size(0)) == (100, 0)
    assert seen.get(b"id-149") is None
    assert seen.get(b"id-150") == versioned(150)


async def test_lost_partitions_are_forgotten_and_found_at_the_new_owner(kafka: str, start: Start) -> None:
    setting = await Setting.made(kafka)
    app, wallets = setting.member()
    await start(app)
    for partition in range(PARTITIONS):
        await wallets.put_batch(partition, {b"%d" % partition: versioned(1)})
    guest_app, guest_wallets = setting.member()
    await start(guest_app)
    await eventually(lambda: len(wallets.owned()) == 2, 10.0, "half of the partitions each")
    assert wallets.owned() | guest_wallets.owned() == {0, 1, 2, 3}
    await restored(wallets, guest_wallets)
    assert {*wallets} | {*guest_wallets} == {b"0", b"1", b"2", b"3"}
    assert len(wallets) == len(guest_wallets) == 2
    lost = min(guest_wallets.owned())
    assert not await wallets.put_batch(lost, {b"%d" % lost: versioned(2)})
    assert await guest_wallets.put_batch(lost, {b"%d" % lost: versioned(3)})
    await guest_app.stop()
    await eventually(lambda: len(wallets.owned()) == 4, 15.0, "all partitions back")
    await restored(wallets)
    assert wallets.get(b"%d" % lost) == versioned(3)


def test_writing_a_single_key_is_refused(kafka: str) -> None:
    app = member(kafka, unique("app"), ["any"], Books(), 1)
    wallets = table(app, "wallets", 1)
    with pytest.raises(TypeError, match="write with put_batch"):
        wallets[b"k"] = versioned(1)
    with pytest.raises(TypeError, match="write with put_batch"):
        wallets.pop(b"k")


async def test_a_value_without_room_for_a_version_is_refused(kafka: str, start: Start) -> None:
    setting = await Setting.made(kafka)
    app, wallets = setting.member()
    await start(app)
    with pytest.raises(ValueError, match="table wallets: the value of b'k' has no room"):
        await wallets.put_batch(0, {b"k": b"short"})
    assert len(wallets) == 0
