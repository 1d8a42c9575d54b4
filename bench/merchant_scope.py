"""What it costs that a merchant's reads run under a role of their own: `python -m bench.merchant_scope`.

The same three questions of the web (one payment, a page of payments, a page of the ledger), one after the
other on one connection: as the web's own role with the handler's filter, and through the merchant's pool with
it.
A database of its own on the server that DATABASE_URL names.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

from app.settings import database_url
from app.store.merchant_scope import MerchantPool
from app.store.pool import open_pool
from app.store.web_lists import PaymentRow, find_rows, list_rows
from app.store.web_reads import list_transactions
from tests.support.databases import copied_database, drop_database, make_template
from tests.web import rows

MERCHANT = "m-0"
Question = Callable[[Any], Awaitable[Any]]
QUESTIONS: dict[str, Question] = {
    "one payment": lambda pool: find_rows(pool, PaymentRow, "pay-0", MERCHANT, 20),
    "50 payments": lambda pool: list_rows(pool, PaymentRow, 50, None, {"merchant_id": MERCHANT}),
    "50 transactions": lambda pool: list_transactions(pool, 50, merchant_id=MERCHANT),
}


async def measure(database: str, payments: int, rounds: int) -> None:
    pool = await open_pool(database, 1, "bench")
    try:
        for number in range(payments):
            merchant_id = f"m-{number % 10}"
            await rows.payment(pool, merchant_id, f"pay-{number}")
            await rows.capture_posted(pool, number, merchant_id, f"pay-{number}")
        await pool.execute("ANALYZE")
        scoped = MerchantPool(pool, MERCHANT)
        for name, ask in QUESTIONS.items():
            took: dict[str, list[float]] = {"web": [], "merchant": []}
            for _ in range(rounds):
                sides = [("web", pool), ("merchant", scoped)]
                random.shuffle(sides)
                for side, asked in sides:
                    took[side].append(await _milliseconds(ask, asked))
            web, own = (statistics.median(took[side]) for side in ("web", "merchant"))
            print(f"{name:<16} web {web:6.2f} ms  merchant {own:6.2f} ms  {own - web:+.2f} ms")
    finally:
        await pool.close()


async def _milliseconds(ask: Question, pool: Any) -> float:
    began = time.perf_counter()
    await ask(pool)
    return (time.perf_counter() - began) * 1000


async def main(payments: int, rounds: int) -> None:
    server_dsn = database_url()
    name = await make_template(server_dsn)
    try:
        async with copied_database(server_dsn, name) as database:
            await measure(database, payments, rounds)
    finally:
        await drop_database(server_dsn, name)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--payments", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=500)
    given = parser.parse_args()
    asyncio.run(main(given.payments, given.rounds))
