"""Rows as the lanes would have committed them, for tests that look at what the web makes of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from app.domain.effect import Effect, Tried
from app.domain.effects import EffectStatus, WebhookDelivery
from app.domain.merchant import Merchant
from app.domain.payment import Capture, Payment, Refund
from app.domain.payout import Payout
from app.domain.streams import MATCHING_COMMANDS, PAYMENTS_COMMANDS, SETTLEMENTS_LINES
from app.domain.webhook_endpoint import WebhookEndpoint
from tests.web.tail import announced

NOON = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)
LANES = (PAYMENTS_COMMANDS, MATCHING_COMMANDS, SETTLEMENTS_LINES)


async def positions(
    pool: Any, next_offset: int = 100, partitions: int = 2, topics: Sequence[str] = LANES
) -> None:
    await pool.executemany(
        "INSERT INTO positions (topic, partition, next_offset) VALUES ($1, $2, $3)",
        [(topic, partition, next_offset) for topic in topics for partition in range(partitions)],
    )


async def move(pool: Any, topic: str, partition: int, next_offset: int) -> None:
    await pool.execute(
        "UPDATE positions SET next_offset = $3, updated_at = now() WHERE topic = $1 AND partition = $2",
        topic, partition, next_offset,
    )  # fmt: skip


async def merchant(pool: Any, merchant_id: str) -> None:
    await pool.execute(
        "INSERT INTO merchants VALUES ($1, $1, true, 'EUR', 0, '{}', 0)",
        merchant_id,
    )


async def payment(
    pool: Any,
    merchant_id: str,
    payment_id: str,
    amount: int = 12345,
    currency: str = "EUR",
    **more: Any,
) -> None:
    capture = Capture(
        amount=amount, currency=currency, psp="stripe", platform_fee=388, psp_fee=200, pending=amount - 888,
        transaction_id="pc.0.1.0", occurred_at=NOON, platform_version=1, merchant_version=2,
    )  # fmt: skip
    refund = Refund(amount=500, currency=currency, psp="stripe", transaction_id="pc.0.2.0", occurred_at=NOON)
    state = Payment(
        merchant_id=merchant_id, id=payment_id, currency=currency, psp="stripe", principal=payment_id,
        psp_payment_id="pi_1", order_ref="o-1", captures={payment_id: capture}, refunds={"re-1": refund},
        **more,
    )  # fmt: skip
    await pool.execute(
        """INSERT INTO payments VALUES ($1, $2, 'captured', 'none', 'none', $3, $3, 500, 0, $4, 'stripe',
                                        'pi_1', '{DUPLICATE_PAYMENT}', $5, 7)""",
        merchant_id, payment_id, amount, currency, msgspec.json.encode(state).decode(),
    )  # fmt: skip


async def account(pool: Any, name: str, balance: int, currency: str = "EUR", partition: int = 0) -> None:
    await pool.execute(
        "INSERT INTO accounts VALUES ($1, $2, $3, $4, 1)",
        name, currency, f"{PAYMENTS_COMMANDS}:{partition}", balance,
    )  # fmt: skip


async def capture_posted(
    pool: Any, number: int, merchant_id: str, payment_id: str, amount: int = 10000
) -> str:
    """A capture of `amount` with a platform fee of 5 %, as the ledger has it. Returns its id."""
    transaction_id, fee = f"pc.0.{number}.0", amount // 20
    legs = [
        (f"psp_recv:{'stripe'}", "debit", amount, 50000),
        (f"m_pend:{merchant_id}", "credit", amount - fee, 9500),
        ("plat_fee", "credit", fee, 777),
    ]
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            """INSERT INTO ledger_transactions (id, kind, merchant_id, payment_id, occurred_at, recorded_at,
                   source_topic, source_partition, source_offset)
               VALUES ($1, 'capture', $2, $3, $4, $4, $5, 0, $6)""",
            transaction_id, merchant_id, payment_id, NOON + timedelta(seconds=number),
            PAYMENTS_COMMANDS, number,
        )  # fmt: skip
        await connection.execute(
            """INSERT INTO ledger_entries
               SELECT $1, row_number() OVER (), a, d::entry_direction, m, 'EUR', b
                 FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[]) AS l (a, d, m, b)""",
            transaction_id, *[list(column) for column in zip(*legs, strict=True)],
        )  # fmt: skip
    return transaction_id


async def mismatch(pool: Any, mismatch_id: str, **changed: Any) -> None:
    row = {
        "leg": "A", "category": "AMOUNT_UNDER", "severity": "LOW", "status": "open", "merchant_id": "m-1",
        "psp": "stripe", "payment_id": "pay-1", "batch_id": "B1", "currency": "EUR", "expected_amount": 12345,
        "actual_amount": 12000, "detected_at": NOON, "detected_after_ms": 140,
        "due_at": NOON + timedelta(days=5),
        "explanation": json.dumps({"rule": "A1", "differences": {"gross": -345}, "reasons": ["small"]}),
        "owner_topic": MATCHING_COMMANDS, "owner_key": "stripe:pi_1", "state": "{}", "version": 1,
        **changed,
    }  # fmt: skip
    names = ", ".join(row)
    places = ", ".join(f"${number}" for number in range(2, len(row) + 2))
    await pool.execute(
        f"INSERT INTO mismatches (id, {names}) VALUES ($1, {places})", mismatch_id, *row.values()
    )


async def worker(
    pool: Any, worker_id: str, lanes: Sequence[str], silent_seconds: float = 0, **counters: int
) -> None:
    figures = {lane: {"holes": 0, "moved": 0, "stale": 0, "records": 10, **counters} for lane in lanes}
    await pool.execute(
        """INSERT INTO workers VALUES ($1, 'host-1', 4711, now() - interval '2 hours',
               now() - make_interval(secs => $2), 157286400, $3, $4)""",
        worker_id, float(silent_seconds), list(lanes), json.dumps(figures),
    )  # fmt: skip


PSP_HEALTH: dict[str, Any] = {
    "answers": {"done": 7, "declined": 2, "retry": 0, "unknown": 1, "misconfigured": 0},
    "seconds": 2.0, "failures_in_a_row": 1,
    "last_failure": {"at": "2026-11-20T12:00:00Z", "kind": "unknown", "reason": "no answer in 10 s"},
}  # fmt: skip


async def executor(pool: Any, worker_id: str, **figures: Any) -> None:
    """What a worker's executor says of itself."""
    open_ = {"webhook:m-1/we_1": "open"}
    said = {"running": 3, "breakers": open_, "psps": {"sandbox": PSP_HEALTH}, **figures}
    await pool.execute(
        """UPDATE workers SET figures = jsonb_set(figures::jsonb, '{executor}', $2::text::jsonb)::json
            WHERE worker_id = $1""",
        worker_id, json.dumps(said),
    )  # fmt: skip


async def effect(pool: Any, effect_id: str, target: str = "psp:sandbox/0", status: str = "waiting") -> None:
    await pool.execute(
        """INSERT INTO effects (target, id, partition, "offset", kind, object, seq, status, attempts,
               created_at, deadline_at, state, version)
           VALUES ($1, $2, 0, 1, 'psp.call', '', 0, $3, 1, now() - interval '1 minute', now(), '{}', 1)""",
        target, effect_id, status,
    )  # fmt: skip


async def verify_run(pool: Any, ok: bool) -> None:
    await pool.execute(
        """INSERT INTO verify_runs (started_at, finished_at, complete, ok, checks)
           VALUES (now() - interval '70 seconds', now() - interval '1 minute', true, $1,
                   '{"balanced": {"ok": true}}')""",
        ok,
    )


async def news(web: Any, mismatch_id: str, word: str = "opened", seq: int = 1, **changed: Any) -> None:
    """A mismatch as its lane commits it and then says it: the row, and the record on the log."""
    await web.pool.execute("DELETE FROM mismatches WHERE id = $1", mismatch_id)
    await mismatch(web.pool, mismatch_id, state=json.dumps({"seq": seq}), **changed)
    row = dict(await web.pool.fetchrow("SELECT * FROM mismatches WHERE id = $1", mismatch_id))
    row["explanation"] = json.loads(row["explanation"])
    web.tail.append(mismatch_id, announced(word, row, seq))


async def payout(pool: Any, merchant_id: str, payout_id: str, amount: int = 5000) -> None:
    state = Payout(
        merchant_id=merchant_id, id=payout_id, amount=amount, currency="EUR", bank_account="main",
        transaction_id="pc.0.3.0",
    )  # fmt: skip
    await pool.execute(
        "INSERT INTO payouts VALUES ($1, $2, 'started', $3, 'EUR', 0, NULL, $4, 3)",
        merchant_id, payout_id, amount, msgspec.json.encode(state).decode(),
    )  # fmt: skip


async def webhook_endpoint(pool: Any) -> None:
    """Merchant m-1 with the endpoint we_1."""
    endpoint = WebhookEndpoint(id="we_1", url="https://m.example/hooks", created_at=NOON, version=1)
    state = msgspec.json.encode(Merchant(merchant_id="m-1", endpoints=(endpoint,))).decode()
    await pool.execute("INSERT INTO merchants VALUES ('m-1', '', true, 'EUR', 0, $1, 0)", state)


async def delivery(
    pool: Any, number: int, status: EffectStatus = "done", target: str = "webhook:m-1/we_1"
) -> None:
    """Event `ev-<number>` on its way to we_1, after one attempt, as the effects lane would keep it."""
    event, at = f"ev-{number}", NOON + timedelta(minutes=number)
    work = WebhookDelivery(
        merchant_id="m-1", endpoint_id="we_1", url="https://m.example/hooks", event_id=event,
        event_type="payment.captured", body=f'{{"id":"{event}"}}',
    )  # fmt: skip
    tried = Tried(number=1, at=at, outcome="done" if status == "done" else "retry", status_code=200)
    effect = Effect(
        target=target, id=f"{event}/we_1", work=work, object="payment/p", seq=number, offset=number,
        status=status, created_at=at, deadline_at=at, attempts=1, recent=(tried,),
    )  # fmt: skip
    await pool.execute(
        """INSERT INTO effects (target, id, partition, "offset", kind, object, seq, status, attempts,
                  created_at, deadline_at, state, version)
           VALUES ($1, $2, 0, $3, 'webhook.delivery', 'payment/p', $3, $4, 1, $5, $5, $6, $3)""",
        target, effect.id, number, status, at, msgspec.json.encode(effect).decode(),
    )  # fmt: skip


async def refund_claim(pool: Any, merchant_id: str, refund_id: str, payment_id: str) -> None:
    await pool.execute(
        "INSERT INTO claims VALUES ($1, 0, $2, $3, $4, 2)",
        PAYMENTS_COMMANDS, merchant_id, f"refund/{refund_id}", payment_id,
    )  # fmt: skip


async def event(
    pool: Any,
    number: int,
    merchant_id: str = "m-1",
    payment_id: str | None = "pay-1",
    kind: str = "payment.captured",
    **changed: Any,
) -> None:
    """Event `pc.0.<number>.0`, published `number` seconds after noon, as the keeper of events writes it."""
    subject = "merchant" if payment_id is None else f"payment/{payment_id}"
    row = {
        "id": f"pc.0.{number}.0", "merchant_id": merchant_id, "subject": subject, "seq": number, "type": kind,
        "payment_id": payment_id, "occurred_at": NOON, "created_at": NOON + timedelta(seconds=number),
        "partition": 0, "offset": number, "body": json.dumps({"type": kind, "seq": number}), **changed,
    }  # fmt: skip
    names = ", ".join(f'"{name}"' for name in row)
    places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
    await pool.execute(f"INSERT INTO events ({names}) VALUES ({places})", *row.values())
