"""A merchant lane made of rows: takes what the web publishes, and decides when a test says so."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import msgspec

from app.contracts.codec import content_hash, decode, encode
from app.domain.asked import Asked, AskedState, asked_key
from app.domain.payment import Payment, Requested
from app.domain.payment_requests import PaymentCreate
from app.domain.streams import PAYMENTS_COMMANDS
from app.errors import Transient
from app.kafka.outgoing import Outgoing
from tests.web.rows import NOON


class RowLane:
    """`records`: what was published, in the order of their offsets; `failing`: the broker is away."""

    def __init__(self, pool: Any) -> None:
        self.pool = pool
        self.records: list[Any] = []
        self.failing = False
        self.published = asyncio.Event()

    async def publish_at(self, record: Outgoing) -> int:
        if self.failing:
            raise Transient("no broker")
        command = decode(PAYMENTS_COMMANDS, record.value)
        assert encode(command) == record.value
        assert record.key == command.merchant_id.encode()
        self.records.append(command)
        self.published.set()
        return len(self.records) - 1

    async def decide(self, offset: int, outcome: str = "applied", reason: str | None = None) -> None:
        """As a commit does: position and key at once. A `duplicate` leaves no key."""
        command = self.records[offset]
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute(
                """INSERT INTO positions (topic, partition, next_offset) VALUES ($1, 0, $2)
                   ON CONFLICT (topic, partition) DO UPDATE SET next_offset = $2""",
                PAYMENTS_COMMANDS, offset + 1,
            )  # fmt: skip
            if outcome != "duplicate":
                await connection.execute(
                    "INSERT INTO record_keys VALUES ($1, 0, $2, $3, $4, $5, $6, $7)",
                    PAYMENTS_COMMANDS, offset, command.merchant_id, command.id, content_hash(command),
                    outcome, reason,
                )  # fmt: skip

    async def keep(self, payment: Payment, version: int = 1) -> None:
        await self.pool.execute(
            """INSERT INTO payments
               VALUES ($1, $2, $3, 'none', 'none', $4, 0, 0, 0, $5, $6, NULL, '{}', $7, $8)
               ON CONFLICT (id, merchant_id) DO UPDATE SET status = $3, state = $7, version = $8""",
            payment.merchant_id, payment.id, payment.status, payment.amount, payment.currency, payment.psp,
            msgspec.json.encode(payment).decode(), version,
        )  # fmt: skip


def asked_of(payment: Payment, **states: AskedState) -> Payment:
    """The payment with operations in these states, each about the payment itself."""
    asked = {
        asked_key(name, payment.id): Asked(  # type: ignore[arg-type]
            operation=name,  # type: ignore[arg-type]
            object_id=payment.id,
            effect_id=f"e-{name}",
            amount=payment.amount,
            asked_at=NOON + timedelta(seconds=place),
            state=state,
            url="https://psp.example/pay/1" if name == "session" and state == "done" else None,
        )
        for place, (name, state) in enumerate(states.items())
    }
    return msgspec.structs.replace(payment, asked={**payment.asked, **asked})


def payment_for(command: PaymentCreate) -> Payment:
    return Payment(
        merchant_id=command.merchant_id,
        id=command.payment_id,
        currency=command.currency,
        psp=command.psp or "sandbox",
        principal="",
        requested=Requested(
            amount=command.amount,
            currency=command.currency,
            capture_method=command.capture_method,
            requested_at=NOON,
            return_url=command.return_url,
            description=command.description,
        ),
    )
