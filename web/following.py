"""One client's way through the log of mismatches: first what it missed, then what comes, then nothing twice.

A client that names where it was (`Last-Event-ID`) gets everything since, read from the log itself; where the
log no longer holds that, it is told `reset`: list again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final

from app.errors import LogTruncated
from web.boxes import Box
from web.changes import Change, Seen
from web.feed import MismatchFeed, Sent, Signal
from web.marks import Positions, write_mark

HEARTBEAT_SECONDS: Final = 15.0
"""A comment now and then: proxies keep the stream open, and we notice that a client has gone."""
CHUNK_RECORDS: Final = 500
RETRY_SECONDS: Final = 0.5
GATHERED: Final = 100
"""So many changes that wait are handed on at once."""

Item = list[Sent] | Signal | bytes
Encode = Callable[[Item], bytes]


async def follow(
    feed: MismatchFeed, box: Box, after: Positions | None, encode: Encode
) -> AsyncIterator[bytes]:
    """`box` is joined to the feed already, so nothing is missed. `after` None: from now on."""
    loop = asyncio.get_running_loop()
    started, told = feed.positions is not None, loop.time()
    if feed.positions is not None:
        async for message in _begin(feed, after, feed.positions, encode):
            yield message
    if feed.in_trouble:
        yield encode(Signal("trouble"))
    async for item in _items(box):
        if item == b"":
            yield _heartbeat(feed.mark if started else "")
        elif isinstance(item, Signal) and not started and item.name != "trouble":
            started = True
            async for message in _begin(feed, after, item.positions, encode):
                yield message
        elif message := encode(item):
            told = loop.time()
            yield message
        elif isinstance(item, list) and loop.time() - told > HEARTBEAT_SECONDS:
            told = loop.time()
            yield _heartbeat(item[-1].mark)


async def _items(box: Box) -> AsyncIterator[Item]:
    """What comes, changes that wait together as one; empty bytes after a while of silence."""
    waiting: Any = None
    while True:
        try:
            async with asyncio.timeout(HEARTBEAT_SECONDS):
                item = waiting or await box.get()
        except TimeoutError:
            yield b""
            continue
        waiting = None
        gathered: list[Sent] = []
        while isinstance(item, Sent):
            gathered.append(item)
            if box.empty() or len(gathered) >= GATHERED:
                break
            item = box.get_nowait()
        if gathered:
            yield gathered
            waiting = None if isinstance(item, Sent) else item
            if waiting is None and item is None:
                return
        elif item is None:
            return
        else:
            yield item


def _heartbeat(mark: str) -> bytes:
    """With the position, so that a client whose filter found nothing for long has less to catch up."""
    return b": still here\n" + (f"id: {mark}\n\n".encode() if mark else b"\n")


async def _begin(
    feed: MismatchFeed, after: Positions | None, upto: Positions, encode: Encode
) -> AsyncIterator[bytes]:
    if after is None:
        yield encode(Signal("ready", upto))
        return
    try:
        async for item in _missed(feed, after, upto):
            yield encode(item)
    except LogTruncated:
        yield encode(Signal("reset", upto))
    else:
        yield encode(Signal("ready", upto))


async def _missed(feed: MismatchFeed, after: Positions, upto: Positions) -> AsyncIterator[Item]:
    """Everything of [after, upto). Raises LogTruncated where the log does not hold that."""
    await _require_in_log(feed, after, upto)
    seen, at = Seen(), list(after)
    for partition, end in enumerate(upto):
        while at[partition] < end:
            try:
                assert feed.tail is not None
                records, at[partition] = await feed.tail.read(partition, at[partition], end, CHUNK_RECORDS)
            except LogTruncated:
                raise
            except Exception:  # the feed says and logs why; the stream stays open
                yield Signal("trouble")
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if news := _news(records, await feed.changes(records), seen, at):
                yield news


def _news(
    records: Sequence[Any], changes: Sequence[Change | None], seen: Seen, at: Sequence[int]
) -> list[Sent]:
    """Each with the position behind itself: a client may leave after any of them."""
    news: list[Sent] = []
    for record, change in zip(records, changes, strict=True):
        if change is not None and seen.is_news(change):
            mark = (*at[: record.partition], record.offset + 1, *at[record.partition + 1 :])
            news.append(Sent(change, write_mark(mark)))
    return news


async def _require_in_log(feed: MismatchFeed, after: Positions, upto: Positions) -> None:
    """Another process may have been a little ahead of this one: only beyond the log's end is wrong."""
    if len(after) != len(upto):
        raise LogTruncated("the topic has another number of partitions")
    while any(at > end for at, end in zip(after, upto, strict=True)):
        assert feed.tail is not None
        try:
            _, ends = await feed.tail.bounds()
        except Exception:
            await asyncio.sleep(RETRY_SECONDS)
            continue
        if any(at > end for at, end in zip(after, ends, strict=True)):
            raise LogTruncated("the log ends before this position")
        return
