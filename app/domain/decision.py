"""What one record does: a `Draft` collects it while the rules run, the lane commits it or throws it away.

`decide(draft, command)` is the shape of every lane's rules. It reads through `draft.get`, changes state
only by `draft.evolve` / `draft.put` / `draft.post`, and ends in one of these ways:

* returns normally          -> applied
* raises `Refused(code)`    -> refused: the draft is thrown away, so a refusal *cannot* post
* raises `Ignored(reason)`  -> ignored: likewise, e.g. a timer that was moved
* raises `Duplicate()`      -> duplicate: the same fact under another command id
* raises `Conflict(code)`   -> dead letter: two records of ours that contradict each other
* raises `Parked(subject)`  -> parked: a fact that waits for its parent (kept, timed, decided later)

`decide` is pure: the same view, source and command give the same draft on every replay.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from app.domain.accounts import DEBIT, signed
from app.domain.state import Ref, View, account_ref
from app.domain.streams import LANE_CODES


class Refused(Exception):
    """A request that the rules do not allow. `code` is stable and part of the API; `detail` is for people."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


class Ignored(Exception):
    """A record that rightly has no effect (a moved timer, a trailer that is checked elsewhere)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Duplicate(Exception):
    """The same fact by another door or command id: counted, nothing changed, no key kept for it."""


class Conflict(Exception):
    """Two records of ours that contradict each other; the later one becomes a dead letter."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code


class Parked(Exception):
    """A fact whose parent is not known yet; `subject` is the parent it waits for."""

    def __init__(self, subject: str) -> None:
        super().__init__(subject)
        self.subject = subject


class InvariantBroken(Exception):
    """The books would become wrong. Never handled: the worker stops at this record."""


class Source(NamedTuple):
    """Where the record in hand stands in its log. `now` is the broker's append time."""

    topic: str
    partition: int
    offset: int
    key: str
    now: datetime


class Leg(NamedTuple):
    """One entry to post: `amount` > 0 in minor units of `currency`."""

    account: str
    direction: str
    amount: int
    currency: str


class Entry(NamedTuple):
    """A posted leg with the account's balance after it, on the account's normal side."""

    account: str
    direction: str
    amount: int
    currency: str
    balance_after: int


class Transaction(msgspec.Struct, frozen=True, gc=False):
    """A balanced set of entries; `reverses` names the transaction it takes back."""

    id: str
    kind: str
    merchant_id: str | None
    payment_id: str | None
    occurred_at: datetime
    recorded_at: datetime
    entries: tuple[Entry, ...]
    reverses: str | None = None


class Send(NamedTuple):
    """A record for another stream; published after the commit, in this order."""

    topic: str
    key: str
    record: msgspec.Struct


_ABSENT: Final = object()


class Draft:
    """Everything one record will have done, on top of a view that it does not touch."""

    __slots__ = ("_index", "_view", "sends", "source", "state", "transactions")

    def __init__(self, view: View, source: Source) -> None:
        self._view = view
        self._index = 0
        self.source = source
        self.state: dict[Ref, Any] = {}
        self.transactions: list[Transaction] = []
        self.sends: list[Send] = []

    @property
    def now(self) -> datetime:
        return self.source.now

    def next_id(self) -> str:
        """Id of the next thing this record makes: the same on every replay."""
        source, index = self.source, self._index
        self._index = index + 1
        return f"{LANE_CODES[source.topic]}.{source.partition}.{source.offset}.{index}"

    def get(self, ref: Ref) -> Any:
        value = self.state.get(ref, _ABSENT)
        return self._view.get(ref) if value is _ABSENT else value

    def put(self, ref: Ref, value: Any) -> None:
        """Set a row; None deletes it."""
        self.state[ref] = value

    def balance(self, account: str, currency: str) -> int:
        return self.get(account_ref(account, currency)) or 0

    def send(self, topic: str, key: str, record: msgspec.Struct) -> None:
        self.sends.append(Send(topic, key, record))

    def post(
        self,
        kind: str,
        legs: Sequence[Leg],
        occurred_at: datetime,
        merchant_id: str | None = None,
        payment_id: str | None = None,
        reverses: str | None = None,
    ) -> str:
        """Post one balanced transaction and move the balances. Legs of zero are left out.

        Returns the transaction's id. Raises InvariantBroken when a currency does not balance, or nothing
        is left.
        """
        entries = tuple([self._enter(leg) for leg in legs if leg.amount])
        _check_balanced(kind, entries)
        transaction = Transaction(
            self.next_id(), kind, merchant_id, payment_id, occurred_at, self.now, entries, reverses
        )
        self.transactions.append(transaction)
        return transaction.id

    def nested(self) -> "Draft":
        """A draft on top of this one, for a part that may fail on its own; `absorb` makes it count."""
        inner = Draft(self, self.source)
        inner._index = self._index
        return inner

    def absorb(self, inner: "Draft") -> None:
        self._index = inner._index
        self.state.update(inner.state)
        self.transactions += inner.transactions
        self.sends += inner.sends

    def _enter(self, leg: Leg) -> Entry:
        account, direction, amount, currency = leg
        if amount < 0:
            raise InvariantBroken(f"negative amount {amount} on {account}")
        ref = account_ref(account, currency)
        balance: int = (self.get(ref) or 0) + signed(account, direction, amount)
        self.state[ref] = balance
        return Entry(account, direction, amount, currency, balance)


def _check_balanced(kind: str, entries: Sequence[Entry]) -> None:
    totals: dict[str, int] = {}
    for _, direction, amount, currency, _ in entries:
        totals[currency] = totals.get(currency, 0) + (amount if direction == DEBIT else -amount)
    if not entries or any(totals.values()):
        raise InvariantBroken(f"{kind} does not balance: {totals}")
