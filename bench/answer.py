"""Whether a run of the lanes ended right: every payment once, with every effect of it."""

from __future__ import annotations

from typing import Any

import msgspec

from app.domain.streams import LEDGER_TRANSACTIONS, MATCHING_COMMANDS, PAYMENTS_EVENTS
from bench.load import CURRENCY, MERCHANTS, PARTITIONS, PSP, REFERENCES, Load
from bench.servers import Emptied

READ_RECORDS = 20_000


class WrongAnswer(Exception):
    """The peer's output is not what it has to be; it gets no figure."""


class _Known(msgspec.Struct):
    """What tells one record from another, whatever else is in it."""

    id: str


async def verify(run: Emptied, load: Load, references: bool = True) -> int:
    """Every payment once, every effect of it, in the database and in the logs. Raises WrongAnswer.

    With `references` each payment leaves a pointer at each further identity. Returns how many records were
    published again: delivery is at least once, the effect is not.
    """
    found: dict[str, Any] = dict(await run.pool.fetchrow(FOUND, f"psp_recv:{PSP}"))
    again = 0
    for topic in (PAYMENTS_EVENTS, MATCHING_COMMANDS, LEDGER_TRANSACTIONS):
        found[topic], sent = await _different(run, topic)
        again += sent - found[topic]
    wanted = {
        "payments": load.payments,
        "captured": load.amount,
        "currencies": [CURRENCY],
        "transactions": load.payments,
        "receivable": load.amount,
        "unbalanced": 0,
        "moved": 0,
        "applied": load.payments + MERCHANTS + PARTITIONS,
        "repeats": load.repeats,
        "otherwise": 0,
        "keys": load.payments + MERCHANTS + PARTITIONS,
        "expected": load.payments,
        "expected_gross": load.amount,
        "halted": 0,
        MATCHING_COMMANDS: load.payments * (1 + REFERENCES * references) + 1,  # + the configuration
        LEDGER_TRANSACTIONS: load.payments,
        PAYMENTS_EVENTS: load.payments + MERCHANTS,
    }
    if wrong := {name: (found[name], value) for name, value in wanted.items() if found[name] != value}:
        raise WrongAnswer(f"(found, expected): {wrong}")
    return again - (PARTITIONS - 1)  # that configuration is in every partition of matching.commands


async def _different(run: Emptied, topic: str) -> tuple[int, int]:
    """(different ids, records) of a topic."""
    decode, records = msgspec.json.Decoder(_Known).decode, 0
    ids: set[str] = set()
    for partition, end in enumerate(await run.partition_ends(topic)):
        position = 0
        while position < end:
            read, position = await run.reader.read(topic, partition, position, end, READ_RECORDS)
            ids.update(decode(record.value).id for record in read)
            records += len(read)
    return len(ids), records


FOUND = """
SELECT (SELECT count(*) FROM payments) AS payments,
       (SELECT sum(captured_amount)::bigint FROM payments) AS captured,
       (SELECT array_agg(DISTINCT currency) FROM payments) AS currencies,
       (SELECT count(*) FROM ledger_transactions WHERE kind = 'capture') AS transactions,
       (SELECT sum(amount)::bigint FROM ledger_entries WHERE account = $1 AND direction = 'debit')
       AS receivable,
       (SELECT count(*) FROM (SELECT FROM ledger_entries GROUP BY transaction_id
         HAVING count(*) < 3 OR sum(CASE direction WHEN 'debit' THEN amount ELSE -amount END) <> 0) u)
       AS unbalanced,
       (SELECT count(*) FROM (SELECT account, currency, sum(balance) AS balance FROM accounts GROUP BY 1, 2) a
          FULL JOIN (
               SELECT account, currency, sum(CASE WHEN direction = normal_side THEN amount ELSE -amount END)
                   AS balance
                 FROM ledger_entries JOIN account_kinds ON prefix = split_part(account, ':', 1)
                GROUP BY 1, 2) e USING (account, currency)
         WHERE a.balance IS DISTINCT FROM e.balance) AS moved,
       (SELECT sum(applied)::bigint FROM batches WHERE topic = 'payments.commands') AS applied,
       (SELECT sum(duplicate)::bigint FROM batches WHERE topic = 'payments.commands') AS repeats,
       (SELECT sum(refused + ignored + parked + forwarded + dead_letter)::bigint FROM batches) AS otherwise,
       (SELECT count(*) FROM record_keys WHERE topic = 'payments.commands') AS keys,
       (SELECT count(*) FROM items WHERE expected_gross IS NOT NULL) AS expected,
       (SELECT sum(expected_gross)::bigint FROM items) AS expected_gross,
       (SELECT count(*) FROM positions WHERE halted_at IS NOT NULL) AS halted"""
