"""Bank lines alone: each kept once and posted against `unapplied`, corrections reversed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from app.domain import bank_door, banking_lane
from app.domain.bank_documents import bank_line_ref
from app.domain.banking import BankLine, BankLineRecorded
from app.domain.commands import PlatformConfigure
from app.domain.decision import Draft, Duplicate, Source
from app.domain.state import PLATFORM, NotLoaded, Ref
from app.domain.streams import BANK_LINES, BANKING_COMMANDS

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ACCOUNT = "DE89370400440532013000"
LINE: dict[str, Any] = {
    "type": "bank.line",
    "account": ACCOUNT,
    "line_id": "L7",
    "amount": 11957,
    "currency": "EUR",
    "value_date": "2026-11-22",
    "remittance": "PAYOUT B1",
}


def through_the_door(**changes: Any) -> BankLineRecorded:
    draft = Draft(Books(), Source(BANK_LINES, 0, 7, "", NOON))
    bank_door.decide(draft, msgspec.json.decode(msgspec.json.encode(LINE | changes), type=BankLine))
    (sent,) = draft.sends
    assert isinstance(sent.record, BankLineRecorded)
    assert (sent.topic, sent.key) == (BANKING_COMMANDS, banking_lane.record_key(sent.record))
    return sent.record


class Books:
    """One partition over plain dictionaries; what was not fetched ahead cannot be read, but is loaded."""

    def __init__(self) -> None:
        self.rows: dict[Ref, Any] = {}
        self.posted: list[tuple[str, str | None, dict[str, int]]] = []
        self.ids: list[str] = []
        self._loaded: set[Ref] = set()
        self._offset = 0

    def get(self, ref: Ref) -> Any:
        if ref not in self._loaded:
            raise NotLoaded(ref)
        return self.rows.get(ref)

    def send(self, command: Any) -> str:
        self._loaded = set(banking_lane.prefetch(command))
        self._offset += 1
        while True:
            draft = Draft(self, Source(BANKING_COMMANDS, 0, self._offset, ACCOUNT, NOON))
            try:
                banking_lane.decide(draft, command)
            except NotLoaded as missing:
                self._loaded.add(missing.ref)
            except Duplicate:
                return "duplicate"
            else:
                self._keep(draft)
                return "applied"

    def _keep(self, draft: Draft) -> None:
        self.rows.update(draft.state)
        for each in draft.transactions:
            debits = {e.account: e.amount if e.direction == "debit" else -e.amount for e in each.entries}
            self.posted.append((each.kind, each.reverses, debits))
            self.ids.append(each.id)

    def balances(self) -> dict[str, int]:
        return {
            f"{ref.key[0]} {ref.key[1]}": value
            for ref, value in self.rows.items()
            if ref.kind == "account" and value
        }


@pytest.mark.parametrize(
    ("amount", "debits"),
    [
        (11957, {f"bank:{ACCOUNT}": 11957, "unapplied": -11957}),
        (-300, {f"bank:{ACCOUNT}": -300, "unapplied": 300}),
    ],
    ids=["deposit", "withdrawal"],
)
def test_a_line_is_posted_against_unapplied(amount: int, debits: dict[str, int]) -> None:
    books = Books()
    assert books.send(through_the_door(amount=amount)) == "applied"
    assert books.posted == [("bank.line", None, debits)]
    assert sum(debits.values()) == 0


def test_a_line_of_zero_is_kept_and_posts_nothing() -> None:
    books = Books()
    line = through_the_door(amount=0)
    assert books.send(line) == "applied"
    assert books.posted == []
    assert books.rows[bank_line_ref(line.account, line.line_id)].record == line
    assert books.send(through_the_door(amount=5)) == "applied"
    assert books.balances() == {f"bank:{ACCOUNT} EUR": 5, "unapplied EUR": 5}


def test_the_same_line_again_changes_nothing() -> None:
    books = Books()
    books.send(through_the_door())
    before = dict(books.rows)
    assert books.send(through_the_door()) == "duplicate"
    assert books.rows == before


def test_the_same_line_id_at_another_account_is_another_line() -> None:
    books = Books()
    books.send(through_the_door())
    assert books.send(through_the_door(account="other")) == "applied"
    assert books.balances() == {f"bank:{ACCOUNT} EUR": 11957, "bank:other EUR": 11957, "unapplied EUR": 23914}


def test_a_correction_reverses_and_posts_anew() -> None:
    books = Books()
    first, second = through_the_door(), through_the_door(amount=11900)
    books.send(first)
    assert banking_lane.accepts_correction(second)
    assert books.send(second) == "applied"
    kinds = [(kind, reverses) for kind, reverses, _ in books.posted]
    assert kinds == [("bank.line", None), ("bank.reversed", books.ids[0]), ("bank.line", None)]
    assert books.balances() == {f"bank:{ACCOUNT} EUR": 11900, "unapplied EUR": 11900}
    held = books.rows[bank_line_ref(second.account, second.line_id)]
    assert (held.record, held.earlier, held.postings[0].transaction_id) == (second, (first,), books.ids[2])


def test_a_correction_of_the_currency_empties_the_old_one() -> None:
    books = Books()
    books.send(through_the_door())
    books.send(through_the_door(currency="USD"))
    assert books.balances() == {f"bank:{ACCOUNT} USD": 11957, "unapplied USD": 11957}


def test_the_configuration_is_kept_in_this_lane_too() -> None:
    books = Books()
    assert books.send(PlatformConfigure(id="p-1", payout_account=ACCOUNT)) == "applied"
    assert books.rows[PLATFORM].payout_account == ACCOUNT
    assert banking_lane.record_key(PlatformConfigure(id="p-1")) is None
