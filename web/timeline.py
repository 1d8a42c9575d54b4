"""When what happened: the facts' own dates, what was posted, when it was found and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

from app.kafka.partitioner import partition_for
from app.store.web_mismatches import MismatchDetails, item_state, last_change, partitions_of
from app.store.web_reads import TransactionRow, list_transactions
from web.mismatch_schemas import Moved, Side, SideField
from web.money import format_minor

MOST_TRANSACTIONS: Final = 50
DATES: Final = ("occurred_at", "booked_on", "value_date")


async def timeline_of(pool: Any, found: MismatchDetails, sides: Iterable[Side]) -> list[Moved]:
    """In order of time; a date without a time comes first of its day."""
    steps = [*_facts(sides), *_posted(await _transactions(pool, found)), *await _own(pool, found)]
    return sorted(steps, key=lambda step: (step.at, not step.is_day))


def _facts(sides: Iterable[Side]) -> Iterator[Moved]:
    for side in sides:
        fields = {field.name: field for field in side.fields}
        for name in DATES:
            when = moment_of(fields[name].value) if name in fields else None
            if when is not None:
                text = f"{side.title}: {_what(side.role, name, fields)}".rstrip(": ")
                yield Moved(at=when[0], is_day=when[1], kind="fact", text=text)


def _what(role: str, name: str, fields: Mapping[str, SideField]) -> str:
    """`capture, 123.45 EUR`: what happened on this date of a record."""
    if name == "booked_on" and role == "expected":
        return "due to be settled"
    if name == "value_date":
        return "value date"
    gross, kind = fields.get("gross"), fields.get("kind")
    amount = (
        f"{format_minor(gross.value, gross.currency)} {gross.currency}" if gross and gross.currency else ""
    )
    return ", ".join(filter(None, (str(kind.value) if kind else "", amount)))


def moment_of(value: Any) -> tuple[datetime, bool] | None:
    """(time, whether it is only a day) of an ISO date or date-time; None for anything else."""
    try:
        day = date.fromisoformat(value)
        return datetime(day.year, day.month, day.day, tzinfo=UTC), True
    except (TypeError, ValueError):
        pass
    try:
        when = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)), False


async def _transactions(pool: Any, found: MismatchDetails) -> list[TransactionRow]:
    """Those of its payment, and those that its lines posted before anybody knew whose they were."""
    row, by_id = found.row, dict[str, TransactionRow]()
    if row.payment_id is not None:
        wanted = {"merchant_id": row.merchant_id, "payment_id": row.payment_id}
        by_id |= {one.id: one for one in await list_transactions(pool, MOST_TRANSACTIONS, **wanted)}
    posted = await _posted_by_lines(pool, found.explanation.get("identity"))
    if missing := sorted(posted - by_id.keys())[:MOST_TRANSACTIONS]:
        by_id |= {one.id: one for one in await list_transactions(pool, MOST_TRANSACTIONS, ids=missing)}
    return list(by_id.values())


async def _posted_by_lines(pool: Any, identity: Any) -> set[str]:
    names = ("psp", "identity", "kind")
    if not (isinstance(identity, dict) and all(isinstance(identity.get(name), str) for name in names)):
        return set()
    return set(_transaction_ids(await item_state(pool, *(identity[name] for name in names))))


def _transaction_ids(state: Any) -> Iterator[str]:
    """Postings are (transaction id, amounts) under `postings`, wherever in the state they lie."""
    if isinstance(state, dict):
        for posting in state.get("postings", ()):
            if isinstance(posting, list) and posting and isinstance(posting[0], str):
                yield posting[0]
        for part in state.values():
            yield from _transaction_ids(part)
    elif isinstance(state, list):
        for part in state:
            yield from _transaction_ids(part)


def _posted(transactions: Iterable[TransactionRow]) -> Iterator[Moved]:
    for transaction in transactions:
        debits: dict[str, int] = {}
        for entry in transaction.entries:
            if entry.direction == "debit":
                debits[entry.currency] = debits.get(entry.currency, 0) + entry.amount
        amounts = ", ".join(
            f"{format_minor(amount, currency)} {currency}" for currency, amount in debits.items()
        )
        text = f"Posted {transaction.kind.replace('.', ' ').replace('_', ' ')} of {amounts}"
        if transaction.reverses is not None:
            text += f", taking back {transaction.reverses}"
        yield Moved(at=transaction.recorded_at, is_day=False, kind="ledger", text=text)


async def _own(pool: Any, found: MismatchDetails) -> list[Moved]:
    """Found, changed or resolved, and the time by which someone has to have looked."""
    row = found.row
    after = row.detected_after_ms
    quick = "" if after is None else f", {after / 1000:.2f} s after its second side"
    steps = [(row.detected_at, f"Mismatch found{quick}")]
    changed = await _last_change(pool, found) if row.seq > 1 or row.status != "open" else None
    if changed is not None and changed > row.detected_at:
        resolution = found.explanation.get("resolution")
        word = row.status.replace("_", " ").capitalize() if row.status != "open" else "Figures changed"
        steps.append((changed, f"{word}: {resolution}" if resolution else word))
    steps.append((row.due_at, "Someone has to have looked by now"))
    return [Moved(at=at, is_day=False, kind="mismatch", text=text) for at, text in steps]


async def _last_change(pool: Any, found: MismatchDetails) -> datetime | None:
    partitions = await partitions_of(pool, found.owner_topic)
    if not partitions:
        return None
    partition = partition_for(found.owner_key.encode(), partitions)
    return await last_change(pool, found.owner_topic, partition, found.version)
