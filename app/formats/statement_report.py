"""What was read of bank statements, for people and as a document: figures, and whether they agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from app.domain.money import MoneyError, minor_units
from app.formats.statement_rows import StatementRows
from app.formats.statements import Balance, Statement, Sums, agreement, shown

SHOWN: Final = 20
VERDICTS: Final[Mapping[bool | None, str]] = {True: "they agree", False: "THEY DISAGREE", None: "not proven"}


def document(rows: StatementRows) -> list[dict[str, Any]]:
    """Every statement. Amounts are in minor units, None in a currency that has none that fit."""
    return [_statement(statement) for statement in rows.statements]


def sentences(rows: StatementRows) -> Iterator[str]:
    """The first statements, one line each."""
    for statement in rows.statements[:SHOWN]:
        yield f"{statement.name}: {_figures(statement)}"
    left = len(rows.statements) + rows.more_statements - SHOWN
    if left > 0:
        yield f"and {left:,} more statements"


def _statement(statement: Statement) -> dict[str, Any]:
    found = agreement(statement)
    return {
        "id": shown(statement.id),
        "kind": statement.kind,
        "account": shown(statement.account),
        "currency": shown(statement.currency),
        "line": statement.line,
        "opening": _balance(statement.opening),
        "closing": _balance(statement.closing),
        "entries": statement.entries,
        "booked": _sums(statement.booked),
        "not_booked": _sums(statement.others),
        "unread": statement.unread,
        "agrees": found.agrees,
        "why": found.why,
    }


def _balance(balance: Balance | None) -> dict[str, Any] | None:
    amount = _minor(balance.amount, balance.currency) if balance is not None else None
    if balance is None or amount is None:
        return None
    return {"amount": amount, "currency": balance.currency, "on": balance.on, "signed": balance.signed}


def _sums(sums: Mapping[str, Sums]) -> dict[str, dict[str, Any]]:
    return {
        shown(currency): {
            "entries": one.count,
            "credits": _minor(one.credits, currency),
            "debits": _minor(one.debits, currency),
        }
        for currency, one in sorted(sums.items())
    }


def _minor(amount: Decimal, currency: str) -> int | None:
    try:
        return minor_units(amount, currency)
    except MoneyError:
        return None


def _figures(statement: Statement) -> str:
    opening, closing = statement.opening, statement.closing
    parts = [
        f"{statement.entries:,} {'entry' if statement.entries == 1 else 'entries'}",
        *_of(statement.booked, ""),
        *_of(statement.others, " not booked"),
    ]
    if opening is not None:
        parts.insert(0, f"opening {opening.amount:,} {opening.currency}")
    if closing is not None:
        parts.append(f"closing {closing.amount:,} {closing.currency}")
    if opening is not None and closing is not None:
        parts.append(VERDICTS[agreement(statement).agrees])
    return ", ".join(parts)


def _of(sums: Mapping[str, Sums], what: str) -> Iterator[str]:
    for currency, one in sorted(sums.items()):
        yield f"{currency}{what}: credits {one.credits:,}, debits {one.debits:,}"
