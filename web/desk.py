"""Takes requests: publishes each as a record of a lane's topic, and learns what the lane decided.

The record's id is made of who asks, the route and the `Idempotency-Key`, so the lane's own dedup decides
which of two equal requests is the first, whichever process took it. Nothing in a record is random or timed:
the same request again is the same record. A key whose request is known is answered without publishing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from typing import Any, Final

import msgspec

from app.contracts.codec import content_hash, encode
from app.domain.command_base import Command, MerchantCommand
from app.domain.streams import PAYMENTS_COMMANDS
from app.errors import TallystickError
from app.kafka.outgoing import Outgoing
from app.kafka.partitioner import partition_for
from app.store.web_lists import Owned, PaymentRow, PayoutRow, rows_by_key
from app.store.web_requests import Asked, Decision, decisions_of
from web.polling import Poller
from web.problems import Problem

STORED_WITHIN_SECONDS: Final = 7.0
REFUSED: Final = "refused"

log: Final = logging.getLogger(__name__)
PublishAt = Callable[[Outgoing], Awaitable[int]]


async def _nowhere(record: Outgoing) -> int:
    raise TallystickError("no log is configured")


def digest_of(merchant_id: str, route: str, key: str) -> str:
    """32 hexadecimal characters that stand for one request of one merchant."""
    text = msgspec.json.encode([merchant_id, route, key])
    return blake2b(text, digest_size=16).hexdigest()


def request_id(merchant_id: str, route: str, key: str) -> str:
    return f"rq_{digest_of(merchant_id, route, key)}"


@dataclass(frozen=True, slots=True)
class Taken:
    """A request that was published. `decided`: its lane has taken it, and has not refused it.

    `position`: `topic:partition:offset`, None where it is not known; `replayed`: it was there before.
    """

    decided: bool
    position: str | None
    replayed: bool

    @property
    def headers(self) -> dict[str, str]:
        return {
            **({"Tallystick-Position": self.position} if self.position else {}),
            **({"Idempotent-Replayed": "true"} if self.replayed else {}),
        }


class Desk:
    """`publish_at`: stores a record and says at which offset; `partitions`: of the topic."""

    def __init__(self, pool: Any, publish_at: PublishAt = _nowhere, partitions: int = 1) -> None:
        self._publish_at = publish_at
        self._partitions = partitions
        self._decisions: Poller[Asked, Decision] = Poller(partial(decisions_of, pool))
        self.payments: Poller[Owned, PaymentRow] = Poller(partial(rows_by_key, pool, PaymentRow))
        self.payouts: Poller[Owned, PayoutRow] = Poller(partial(rows_by_key, pool, PayoutRow))

    async def take(self, command: MerchantCommand, until: float) -> Taken:
        """Of the merchant lane; see `take_at`."""
        return await self.take_at(PAYMENTS_COMMANDS, command.merchant_id, command, until)

    async def take_at(self, topic: str, key: str, command: Command, until: float) -> Taken:
        """`key`: the record's; `until`: time of the loop up to which its caller waits for the decision.

        Raises Problem: `refused`, `idempotency_conflict`, `kafka_unavailable`.
        """
        asked = Asked(key, command.id, partition_for(key.encode(), self._partitions), topic)
        known = await self._decisions.once(asked)
        if known is not None and known.offset is not None:
            return self._answer(command, asked, known, known.offset, replayed=True)
        offset = await self._publish(command, asked)
        try:
            async with asyncio.timeout_at(until):
                decision = await self._decisions.until(asked, partial(_is_decided, offset))
        except TimeoutError:
            return Taken(decided=False, position=_position(asked, offset), replayed=False)
        assert decision is not None
        return self._answer(command, asked, decision, offset, replayed=decision.offset != offset)

    async def stop(self) -> None:
        await self._decisions.stop()
        await self.payments.stop()
        await self.payouts.stop()

    async def _publish(self, command: Command, asked: Asked) -> int:
        record = Outgoing(asked.topic, asked.partition, asked.key.encode(), encode(command))
        try:
            async with asyncio.timeout(STORED_WITHIN_SECONDS):
                return await self._publish_at(record)
        except (TallystickError, TimeoutError) as error:
            log.warning("request %s was not stored: %r", command.id, error)
            raise Problem(
                "kafka_unavailable", "send it again, with the same key", {"Retry-After": "2"}
            ) from None

    @staticmethod
    def _answer(command: Command, asked: Asked, decision: Decision, offset: int, *, replayed: bool) -> Taken:
        taken = Taken(
            True, _position(asked, offset if decision.offset is None else decision.offset), replayed
        )
        if decision.content_hash is not None and decision.content_hash != content_hash(command):
            raise Problem("idempotency_conflict", "the key belongs to a request with another content")
        if decision.outcome == REFUSED:
            code, _, detail = (decision.reason or REFUSED).partition(": ")
            raise Problem("refused", detail, taken.headers, refusal=code)
        return taken


def _is_decided(offset: int, decision: Decision | None) -> bool:
    """Taken under its id; or passed by without one, being the same fact under another id (a duplicate)."""
    if decision is None:
        return False
    passed = decision.next_offset is not None and 0 <= offset < decision.next_offset
    return decision.offset is not None or passed


def _position(asked: Asked, offset: int) -> str | None:
    return f"{asked.topic}:{asked.partition}:{offset}" if offset >= 0 else None
