"""The matching lane's rules over plain dictionaries: one partition, no Kafka, no database, no engine.

Ids and corrections are treated as the lane's engine treats them; every posting is kept, so that a test can
add up the books by itself.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from app.domain import matching_lane
from app.domain.accounts import signed
from app.domain.commands import PlatformConfigure
from app.domain.configuration import PspConfiguration, SourceConfiguration
from app.domain.decision import Conflict, Draft, Duplicate, Ignored, Send, Source, Transaction
from app.domain.matching import Item, item_ref
from app.domain.mismatch import OPEN_STATUSES, Mismatch
from app.domain.settlement import ExpectationAnnounced, LineRecorded
from app.domain.state import NotLoaded, Ref
from app.domain.streams import MATCHING_COMMANDS
from app.domain.timers import Timer, from_epoch_ms

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
"""A Friday."""

Balances = dict[tuple[str, str], int]


Rule = Callable[[Draft, Any], None]


class _Loaded(NamedTuple):
    """The rows that one decision may read."""

    state: dict[Ref, Any]
    refs: set[Ref]

    def get(self, ref: Ref) -> Any:
        if ref not in self.refs:
            raise NotLoaded(ref)
        return self.state.get(ref)


class MatchingWorld:
    """`send` decides one record and returns its outcome, as the lane would count it."""

    def __init__(self, start: datetime = NOON) -> None:
        self.now = start
        self.state: dict[Ref, Any] = {}
        self.transactions: list[Transaction] = []
        self.sends: list[Any] = []
        self.outcomes: Counter[str] = Counter()
        self.extra_loads = 0
        self._offset = 0
        self._known: dict[tuple[str, str], bytes] = {}
        self._told: deque[Send] = deque()
        self.inner: Counter[str] = Counter()

    def get(self, ref: Ref) -> Any:
        return self.state.get(ref)

    def _attempt(self, decide: Rule, command: Any, source: Source) -> Draft:
        """Only rows that were fetched ahead can be read; any other is loaded, and it decides again."""
        loaded = set(matching_lane.prefetch(command))
        while True:
            draft = Draft(_Loaded(self.state, loaded), source)
            try:
                decide(draft, command)
            except NotLoaded as missing:
                loaded.add(missing.ref)
                self.extra_loads += 1
            else:
                return draft

    def send(self, command: Any, *, key: str | None = None) -> str:
        """Decide a record, and then everything that the lane tells itself because of it."""
        outcome = self._decide(command, key or matching_lane.record_key(command) or "")
        self.outcomes[outcome] += 1
        while self._told:
            told = self._told.popleft()
            record: Any = told.record
            assert told.key == matching_lane.record_key(record)
            self.inner[self._decide(told.record, told.key)] += 1
        return outcome

    def send_all(self, commands: Iterable[Any]) -> None:
        for command in commands:
            self.send(command)

    def _decide(self, command: Any, key: str) -> str:
        content = msgspec.json.encode(command)
        known = self._known.get((key, command.id))
        if known == content:
            return "duplicate"
        decide: Rule = matching_lane.decide
        if known is not None:
            if not matching_lane.accepts_correction(command):
                return "dead_letter"
            decide = matching_lane.correct
        source = Source(MATCHING_COMMANDS, 0, self._offset, key, self.now)
        self._offset += 1
        try:
            draft = self._attempt(decide, command, source)
        except Ignored:
            return "ignored"
        except Duplicate:
            return "duplicate"
        except Conflict:
            return "dead_letter"
        self._known.setdefault((key, command.id), content)
        self._absorb(draft)
        return "applied"

    def _absorb(self, draft: Draft) -> None:
        for ref, value in draft.state.items():
            if value is None:
                self.state.pop(ref, None)
            else:
                self.state[ref] = value
        self.transactions += draft.transactions
        self.sends += draft.sends
        self._told += [send for send in draft.sends if send.topic == MATCHING_COMMANDS]

    def fire_timers(self, until: datetime | None = None) -> int:
        """Let every timer that is due (by `until`; None: all) come back as its record; returns how many."""
        fired = 0
        while due := self._due(until):
            for ref, timer in due:
                if self.state.get(ref) == timer:
                    self.now = max(self.now, from_epoch_ms(timer.due_at_ms))
                    assert self.send(timer.record, key=ref.key[0]) == "applied"
                    fired += 1
        return fired

    def _due(self, until: datetime | None) -> list[tuple[Ref, Timer]]:
        timers = [(ref, value) for ref, value in self.state.items() if ref.kind == "timer"]
        due = [pair for pair in timers if until is None or from_epoch_ms(pair[1].due_at_ms) <= until]
        return sorted(due, key=lambda pair: (pair[1].due_at_ms, pair[0]))

    def timers(self) -> dict[str, datetime]:
        """Kind of each pending timer -> its due time."""
        return {
            ref.key[1]: from_epoch_ms(timer.due_at_ms)
            for ref, timer in self.state.items()
            if ref.kind == "timer"
        }

    def item(self, identity: str = "pi_1", kind: str = "capture", psp: str = "stripe") -> Item:
        found = self.get(item_ref(psp, identity, kind))
        assert isinstance(found, Item)
        return found

    def mismatches(self) -> list[Mismatch]:
        return [value for ref, value in self.state.items() if ref.kind == "mismatch"]

    def open(self) -> list[Mismatch]:
        return sorted((m for m in self.mismatches() if m.status in OPEN_STATUSES), key=lambda m: m.id)

    def categories(self) -> list[str]:
        """Categories of the open mismatches, sorted."""
        return sorted(mismatch.category for mismatch in self.open())

    def balances(self) -> Balances:
        """(account, currency) -> balance on its normal side; zero ones left out. Summed from the entries."""
        sums: Balances = {}
        for transaction in self.transactions:
            for entry in transaction.entries:
                place = (entry.account, entry.currency)
                sums[place] = sums.get(place, 0) + signed(entry.account, entry.direction, entry.amount)
        stored = {ref.key: value for ref, value in self.state.items() if ref.kind == "account"}
        assert stored == sums, "the stored balances are not the sums of their entries"
        return {place: balance for place, balance in sums.items() if balance}

    def books(self) -> dict[str, int]:
        """The balances of EUR accounts by account name."""
        return {
            account: balance for (account, currency), balance in self.balances().items() if currency == "EUR"
        }


def configured(
    psp: PspConfiguration | None = None, source: SourceConfiguration | None = None, start: datetime = NOON
) -> MatchingWorld:
    """A world whose PSP `stripe` and source `acq` are configured."""
    world = MatchingWorld(start)
    sources = {"acq": source or SourceConfiguration(psp="stripe")}
    world.send(PlatformConfigure(id="cfg", psps={"stripe": psp or PspConfiguration()}, sources=sources))
    return world


def expectation(gross: int = 10_000, fee: int | None = None, **changes: Any) -> ExpectationAnnounced:
    fields: dict[str, Any] = {
        "id": "e1",
        "psp": "stripe",
        "kind": "capture",
        "merchant_id": "m-1",
        "payment_id": "pay-1",
        "object_id": "pay-1",
        "identities": ("pi_1",),
        "gross": gross,
        "currency": "EUR",
        "expected_fee": fee,
        "occurred_at": NOON - timedelta(hours=1),
    }
    return ExpectationAnnounced(**{**fields, **changes})


def line(line_id: str = "L1", gross: int = 10_000, fee: int = 0, **changes: Any) -> LineRecorded:
    """A line of batch B1; its net is what the amounts give, unless it is stated."""
    fields: dict[str, Any] = {
        "source": "acq",
        "psp": "stripe",
        "batch_id": "B1",
        "line_id": line_id,
        "kind": "capture",
        "psp_payment_id": "pi_1",
        "currency": "EUR",
        "gross": gross,
        "fee": fee,
        "tax": 0,
        "reserve": 0,
        "booked_on": date(2026, 11, 21),
        **changes,
    }
    fields.setdefault("settle_currency", fields["currency"])
    fields.setdefault("net", gross - fee - fields["tax"] - fields["reserve"])
    return LineRecorded(id=f"{fields['source']}/{line_id}", **fields)
