"""What every bank format is read into: statements, their entries and balances, and whether they agree.

Amounts are exact decimals of major units, credits to the account positive, debits negative. A reader gives
entries as they come and each statement behind its entries, so that a file of any size takes little memory.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final, Literal, NamedTuple

from app.domain.source_files import SourceFile

Kind = Literal["statement", "interim", "notification"]
"""`statement`: what was booked; `interim`: a report during the day; `notification`: of single bookings."""
Status = Literal["booked", "pending", "information", "interim"]
"""`interim`: in a report of the day that does not say whether it is booked."""
BOOKED: Final = "booked"
Side = Literal["entries", "credits", "debits"]
LONGEST_SHOWN: Final = 100
NO_REFERENCE: Final = frozenset({"", "NONREF", "NOTPROVIDED", "NOREF", "NONE", "UNKNOWN", "0", "-"})


class Balance(NamedTuple):
    amount: Decimal
    currency: str
    on: date | None
    signed: bool = True
    """False: the file does not say credit or debit; the amount is what it says, without a sign."""


class Total(NamedTuple):
    """What a statement says about its entries of one side; None: it does not say. The amount is unsigned."""

    entries: int | None = None
    amount: Decimal | None = None


class Sums:
    """Entries of one currency: their credits and debits (negative), and how many of each."""

    def __init__(self) -> None:
        self.credit_count, self.debit_count = 0, 0
        self.credits, self.debits = Decimal(0), Decimal(0)

    def add(self, amount: Decimal) -> None:
        if amount < 0:
            self.debit_count += 1
            self.debits += amount
        else:
            self.credit_count += 1
            self.credits += amount

    @property
    def count(self) -> int:
        return self.credit_count + self.debit_count

    @property
    def net(self) -> Decimal:
        return self.credits + self.debits


class Statement:
    """One statement of one account, filled while it is read; `line` is where it begins in the file."""

    def __init__(self, kind: Kind, line: int | None) -> None:
        self.kind, self.line = kind, line
        self.id, self.account, self.currency = "", "", ""
        self.opening: Balance | None = None
        self.closing: Balance | None = None
        self.day: date | None = None
        """The date of entries that have none."""
        self.booked: dict[str, Sums] = defaultdict(Sums)
        self.others: dict[str, Sums] = defaultdict(Sums)
        """Pending ones and those for information: no part of the balance."""
        self.said: dict[Side, Total] = {}
        self.unread = 0
        self.undated = 0
        self.notes: list[str] = []
        """What contradicts itself in it, besides the balances."""

    @property
    def name(self) -> str:
        return (
            f"{self.kind} {shown(self.id) or '(without id)'} of account {shown(self.account) or '(not said)'}"
        )

    @property
    def entries(self) -> int:
        """All of them: booked, others and those that cannot be read."""
        return self.unread + sum(sums.count for sums in (*self.booked.values(), *self.others.values()))

    def add(self, entry: Entry) -> None:
        if entry.amount is None or entry.problem is not None:
            self.unread += 1
        else:
            (self.booked if entry.status == BOOKED else self.others)[entry.currency].add(entry.amount)


class Entry(NamedTuple):
    """One entry of a statement. `problem`: why it cannot be read; then the rest is what could be."""

    statement: Statement
    line: int | None
    amount: Decimal | None = None
    currency: str = ""
    status: Status = BOOKED
    value_date: date | None = None
    booking_date: date | None = None
    reference: str = ""
    """By which the bank knows it, for ever within its account; empty where it gave none."""
    own_reference: str = ""
    """Any other reference of the entry."""
    end_to_end_id: str = ""
    remittance: str = ""
    counterparty: str = ""
    code: str = ""
    """The bank's code for this kind of booking."""
    reversal: bool = False
    problem: str | None = None
    raw: str = ""


Piece = Entry | Statement
Read = Callable[[Path, SourceFile], Iterator[Piece]]
"""Reads a file: entries, and each statement behind its entries. Raises FileRefused where it cannot go on."""


class Agreement(NamedTuple):
    """Whether opening + booked entries = closing; None where that cannot be told."""

    agrees: bool | None
    why: str


def agreement(statement: Statement) -> Agreement:
    """What a statement's balances and its booked entries say of each other."""
    opening, closing = statement.opening, statement.closing
    if opening is None or closing is None:
        missing = "opening" if opening is None else "closing"
        return Agreement(None, f"it has no {missing} balance" if opening or closing else "it has no balances")
    if statement.unread:
        return Agreement(None, f"{statement.unread} of its entries cannot be read")
    if opening.currency != closing.currency:
        return Agreement(False, f"it opens in {opening.currency} and closes in {closing.currency}")
    if strange := sorted(set(statement.booked) - {opening.currency}):
        return Agreement(False, f"it has entries in {', '.join(strange)}, balances in {opening.currency}")
    return _arithmetic(opening, closing, statement.booked.get(opening.currency, Sums()).net)


def _arithmetic(opening: Balance, closing: Balance, net: Decimal) -> Agreement:
    end = opening.amount + net
    said = f"{opening.amount:,} + {net:,} = {end:,}, it closes with {closing.amount:,} {closing.currency}"
    if opening.signed and closing.signed:
        return Agreement(end == closing.amount, said)
    how = "taken as credits they agree with the entries" if end == closing.amount else f"as credits: {said}"
    return Agreement(None, f"its balances do not say whether they are credit or debit; {how}")


def contradictions(statement: Statement) -> Iterator[str]:
    """What a statement's own totals say otherwise than its entries; its balances are not among them."""
    every = (*statement.booked.values(), *statement.others.values())
    seen: dict[Side, tuple[int, Decimal]] = {
        "credits": (sum(s.credit_count for s in every), sum((s.credits for s in every), Decimal(0))),
        "debits": (sum(s.debit_count for s in every), -sum((s.debits for s in every), Decimal(0))),
    }
    amount = seen["credits"][1] + seen["debits"][1]
    seen["entries"] = (statement.entries, amount)
    one_currency = len({*statement.booked, *statement.others}) <= 1
    for side, total in statement.said.items():
        count, amount = seen[side]
        if total.entries not in (None, count) and not (statement.unread and side != "entries"):
            yield f"it says it has {total.entries} {side}, there are {count}"
        elif total.amount not in (None, amount) and one_currency and not statement.unread:
            yield f"it says its {side} add up to {total.amount:,}, they add up to {amount:,}"


def shown(text: str) -> str:
    """What a file says, for people: short, and without control characters."""
    return "".join(sign if sign.isprintable() else "�" for sign in text[:LONGEST_SHOWN])


def dated(reference: str, on: date | None) -> str:
    """A reference that banks begin anew every day, made one for ever; empty where it is none."""
    clean = " ".join(reference.split())
    return f"{on:%Y-%m-%d}.{clean}" if on is not None and clean.upper() not in NO_REFERENCE else ""
