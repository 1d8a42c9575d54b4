"""The merchant lane's rules over memory: a strict view, drafts, parking, timers, and the books' invariants.

`Books` does for one merchant-lane partition what the lane engine does, without Kafka or a database, so that
rules are tested alone. After every record the invariants of the ledger are proven on what was touched.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from copy import copy
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from app.domain import merchant_lane
from app.domain.accounts import signed
from app.domain.decision import (
    Conflict,
    Draft,
    Duplicate,
    Ignored,
    Parked,
    Refused,
    Source,
    Transaction,
)
from app.domain.events import PaymentsEvent
from app.domain.merchant import Merchant
from app.domain.merchant_records import MerchantLaneRecord
from app.domain.mismatch import OPEN_STATUSES, Mismatch
from app.domain.mismatch_events import MismatchRecord
from app.domain.parking import park
from app.domain.payment import Payment
from app.domain.settlement import ExpectationAnnounced, ExpectationWithdrawn
from app.domain.state import NotLoaded, Ref, account_ref
from app.domain.streams import MATCHING_COMMANDS, PAYMENTS_COMMANDS, PAYMENTS_EVENTS
from app.domain.timers import from_epoch_ms, is_set_again

START = datetime(2026, 11, 20, 9, tzinfo=UTC)
BLIND_KINDS = {"timer"}


class Outcome(NamedTuple):
    """What became of one record; `detail`: the refusal's or conflict's code, a parked one's subject."""

    name: str
    detail: str
    draft: Draft

    def __str__(self) -> str:
        return f"{self.name}:{self.detail}" if self.detail else self.name


class StrictView:
    """Gives only rows that were loaded, as the lane's overlay does."""

    def __init__(self, rows: dict[Ref, Any], loaded: set[Ref]) -> None:
        self._rows = rows
        self.loaded = loaded

    def get(self, ref: Ref) -> Any:
        if ref not in self.loaded:
            raise NotLoaded(ref)
        return self._rows.get(ref)


def record(**fields: Any) -> Any:
    """A record of `payments.commands` as it would be decoded from the wire."""
    return msgspec.convert(fields, MerchantLaneRecord)


def encode(command: msgspec.Struct) -> bytes:
    return msgspec.json.encode(command, order="deterministic")


class Books:
    """One lane partition in memory. `not_prefetched`: rows a decision wanted that no prefetch had named."""

    def __init__(self) -> None:
        self.rows: dict[Ref, Any] = {}
        self.transactions: list[Transaction] = []
        self.sends: list[Any] = []
        self.now = START
        self.offset = 0
        self.not_prefetched: list[Ref] = []
        self.seqs: dict[str, int] = defaultdict(int)
        self.delivered = 0
        self._ids: dict[tuple[str, str], bytes] = {}

    def get(self, ref: Ref) -> Any:
        """Any row: the engine itself may look where it likes."""
        return self.rows.get(ref)

    def fork(self) -> Books:
        """Books that go their own way from here on; rows themselves are never changed in place."""
        other = Books()
        for name, value in vars(self).items():
            setattr(other, name, copy(value))
        return other

    # --- what the engine does -------------------------------------------------------------------------------

    def send(self, command: Any) -> Outcome:
        """Decide one record and keep what it did."""
        key = merchant_lane.record_key(command) or "-"
        known = self._ids.get((key, command.id))
        content = encode(command)
        set_again = command.is_timer and is_set_again(self, key, command.id)
        if known is not None and not set_again:
            return Outcome("duplicate" if known == content else "dead_letter", "", self._draft(key, set()))
        outcome = self._decide(key, command)
        if outcome.name in ("applied", "refused", "parked"):
            self._absorb(outcome.draft)
        if outcome.name not in ("duplicate", "conflict"):
            self._ids[key, command.id] = content
        self.offset += 1
        return outcome

    def _draft(self, key: str, loaded: set[Ref]) -> Draft:
        view = StrictView(self.rows, loaded)
        return Draft(view, Source(PAYMENTS_COMMANDS, 0, self.offset, key, self.now))

    def _decide(self, key: str, command: Any) -> Outcome:
        loaded = set(merchant_lane.prefetch(command))
        while True:
            try:
                return self._attempt(key, command, loaded)
            except NotLoaded as missing:
                ref = missing.ref
            assert ref not in loaded
            loaded.add(ref)
            self.not_prefetched.append(ref)

    def _attempt(self, key: str, command: Any, loaded: set[Ref]) -> Outcome:
        draft = self._draft(key, loaded)
        try:
            merchant_lane.decide(draft, command)
        except Refused as refusal:
            draft = self._draft(key, loaded)
            merchant_lane.refused(draft, command, refusal)
            assert not draft.transactions
            assert not draft.state
            return Outcome("refused", refusal.code, draft)
        except Duplicate:
            return Outcome("duplicate", "", draft)
        except Ignored:
            return Outcome("ignored", "", draft)
        except Conflict as conflict:
            return Outcome("conflict", conflict.code, draft)
        except Parked as parked:
            draft = self._draft(key, loaded)
            park(draft, parked.subject, encode(command))
            return Outcome("parked", parked.subject, draft)
        self._check_written(draft, loaded)
        return Outcome("applied", "", draft)

    def _check_written(self, draft: Draft, loaded: set[Ref]) -> None:
        unseen = {ref for ref in draft.state if ref.kind not in BLIND_KINDS} - loaded
        assert not unseen, f"written without having been read: {unseen}"

    def _absorb(self, draft: Draft) -> None:
        for ref, value in draft.state.items():
            if value is None:
                self.rows.pop(ref, None)
            else:
                self.rows[ref] = value
        self.transactions += draft.transactions
        self.sends += draft.sends
        self._check_sends(draft)
        self.check_touched(draft)

    def deliver(self) -> list[Outcome]:
        """Decide what decisions sent to merchants' lanes, which are all here, until nothing is left."""
        outcomes: list[Outcome] = []
        while self.delivered < len(self.sends):
            send = self.sends[self.delivered]
            self.delivered += 1
            if send.topic == PAYMENTS_COMMANDS:
                outcomes.append(self.send(send.record))
        return outcomes

    def fire_timers(self, until: datetime | None = None) -> list[Outcome]:
        """Produce due timers in the order of their due time, as the lane's pump does."""
        outcomes = []
        while due := self._next_timer(until):
            self.now = max(self.now, from_epoch_ms(due.due_at_ms))
            outcomes.append(self.send(due.record))
            assert self._next_timer(until) is not due, f"{due.record.id} is still there: {outcomes[-1]}"
        return outcomes

    def _next_timer(self, until: datetime | None) -> Any:
        timers = [value for ref, value in self.rows.items() if ref.kind == "timer"]
        due = [timer for timer in timers if until is None or from_epoch_ms(timer.due_at_ms) <= until]
        return min(due, key=lambda timer: (timer.due_at_ms, timer.record.id), default=None)

    def advance(self, by: timedelta) -> list[Outcome]:
        """Let time pass, firing what becomes due."""
        end = self.now + by
        outcomes = self.fire_timers(end)
        self.now = end
        return outcomes

    # --- reading --------------------------------------------------------------------------------------------

    def balance(self, account: str, currency: str = "EUR") -> int:
        return int(self.rows.get(account_ref(account, currency), 0))

    def payment(self, payment_id: str, merchant_id: str = "m-1") -> Payment:
        found = self.rows[Ref("payment", (merchant_id, payment_id))]
        assert isinstance(found, Payment)
        return found

    def balances(self) -> dict[tuple[str, ...], int]:
        """Every balance that is not zero."""
        return {ref.key: value for ref, value in self.of_kind("account") if value}

    def of_kind(self, kind: str) -> list[tuple[Ref, Any]]:
        return sorted((ref, value) for ref, value in self.rows.items() if ref.kind == kind)

    def open_mismatches(self) -> list[Mismatch]:
        values = [value for ref, value in self.rows.items() if ref.kind == "mismatch"]
        return sorted((m for m in values if m.status in OPEN_STATUSES), key=lambda m: m.id)

    def open_categories(self) -> list[str]:
        return sorted(mismatch.category for mismatch in self.open_mismatches())

    def expectations(self) -> dict[tuple[str, str, str], ExpectationAnnounced]:
        """(home, kind, object id) -> what is expected there after all announcements and withdrawals."""
        standing: dict[tuple[str, str, str], ExpectationAnnounced] = {}
        for send in self.sends:
            if send.topic != MATCHING_COMMANDS:
                continue
            if isinstance(send.record, ExpectationAnnounced):
                standing[send.key, send.record.kind, send.record.object_id] = send.record
            elif isinstance(send.record, ExpectationWithdrawn):
                standing.pop((send.key, send.record.kind, send.record.object_id), None)
        return standing

    def events(self, tag: str | None = None) -> list[Any]:
        records = [send.record for send in self.sends if send.topic == PAYMENTS_EVENTS]
        return [r for r in records if tag is None or type(r).__struct_config__.tag == tag]

    # --- invariants -----------------------------------------------------------------------------------------

    def check_touched(self, draft: Draft) -> None:
        """Invariants of what one record touched."""
        for transaction in draft.transactions:
            check_balanced(transaction)
        for ref in draft.state:
            if ref.kind == "account":
                self._check_account(ref)
            elif ref.kind == "merchant":
                self._check_merchant(ref.key[0])
            elif ref.kind == "payment":
                self._check_payment(self.rows[ref])

    def check_all(self) -> None:
        """Every invariant over everything, from the entries up."""
        totals: dict[tuple[str, ...], int] = defaultdict(int)
        for transaction in self.transactions:
            check_balanced(transaction)
            for entry in transaction.entries:
                totals[entry.account, entry.currency] += signed(entry.account, entry.direction, entry.amount)
                assert totals[entry.account, entry.currency] == entry.balance_after
        stored = {ref.key: value for ref, value in self.of_kind("account")}
        assert stored == dict(totals)
        for ref, _ in self.of_kind("account"):
            self._check_account(ref)
        for ref, payment in self.of_kind("payment"):
            self._check_payment(payment)
            assert ref.key == (payment.merchant_id, payment.id)
            assert msgspec.json.decode(encode(payment), type=Payment) == payment
        self._check_pending()
        self._check_held()
        self._check_reversals()

    def _check_account(self, ref: Ref) -> None:
        account, currency = ref.key
        kind, _, merchant_id = account.partition(":")
        if kind in ("m_pend", "m_hold"):
            assert self.rows[ref] >= 0, f"{account} {currency} is {self.rows[ref]}"
        if kind in ("m_pend", "m_avail"):
            self._check_negative(merchant_id, currency)

    def _check_merchant(self, merchant_id: str) -> None:
        for currency in self.rows[Ref("merchant", (merchant_id,))].negative:
            self._check_negative(merchant_id, currency)

    def _check_negative(self, merchant_id: str, currency: str) -> None:
        """Below its limit exactly while NEGATIVE_BALANCE is open."""
        merchant: Merchant = self.rows[Ref("merchant", (merchant_id,))]
        total = self.balance(f"m_avail:{merchant_id}", currency) + self.balance(
            f"m_pend:{merchant_id}", currency
        )
        opened = any(
            m.category == "NEGATIVE_BALANCE" and (m.merchant_id, m.currency) == (merchant_id, currency)
            for m in self.open_mismatches()
        )
        assert opened == (total < -merchant.negative_limit) == (currency in merchant.negative)

    def _check_payment(self, payment: Payment) -> None:
        exceeds = payment.refunded_amount + payment.disputed_amount > payment.captured_amount
        opened = {m.category for m in self.open_mismatches() if m.payment_id == payment.id}
        assert exceeds == ("REFUND_EXCEEDS_CAPTURE" in opened) == ("refund_exceeds_capture" in payment.flags)
        assert all(capture.pending >= 0 for capture in payment.captures.values())

    def _check_pending(self) -> None:
        """m_pend is what is pending of the captures, no more and no less."""
        pending: dict[tuple[str, str], int] = defaultdict(int)
        for _, payment in self.of_kind("payment"):
            for capture in payment.captures.values():
                pending[f"m_pend:{payment.merchant_id}", capture.currency] += capture.pending
        for account in {*pending, *(key for key in self.balances() if key[0].startswith("m_pend:"))}:
            assert self.balance(*account) == pending[account[0], account[1]], account

    def _check_held(self) -> None:
        """m_hold is what is disputed now, and so is what the PSP keeps back of it."""
        disputed: dict[tuple[str, str], int] = defaultdict(int)
        for _, payment in self.of_kind("payment"):
            for dispute in payment.disputes.values():
                if dispute.stage == "open":
                    disputed[f"m_hold:{payment.merchant_id}", dispute.currency] += dispute.amount
                    disputed[f"disp_recv:{dispute.psp}", dispute.currency] += dispute.amount
        kept = (key for key in self.balances() if key[0].startswith(("m_hold:", "disp_recv:")))
        for account in {*disputed, *kept}:
            assert self.balance(*account) == disputed[account[0], account[1]], account

    def _check_reversals(self) -> None:
        """A transaction is reversed at most once, and only one that is there."""
        reversed_ids = [t.reverses for t in self.transactions if t.reverses]
        assert len(set(reversed_ids)) == len(reversed_ids)
        assert set(reversed_ids) <= {t.id for t in self.transactions}

    def _check_sends(self, draft: Draft) -> None:
        for send in draft.sends:
            if isinstance(send.record, PaymentsEvent | MismatchRecord):
                subject = f"{send.topic} {send.key} {_subject(send.record)}"
                self.seqs[subject] += 1
                assert send.record.seq == self.seqs[subject], (subject, send.record)
        ids = [record_id(send.record) for send in draft.sends] + [t.id for t in draft.transactions]
        assert len(ids) == len(set(ids))


def record_id(record: Any) -> str:
    return str(record.id)


def _subject(event: Any) -> str:
    request = getattr(event, "request_id", None)
    return f"request {request}" if request else ""


def check_balanced(transaction: Transaction) -> None:
    totals: dict[str, int] = defaultdict(int)
    for entry in transaction.entries:
        assert entry.amount > 0
        totals[entry.currency] += entry.amount if entry.direction == "debit" else -entry.amount
    assert transaction.entries
    assert not any(totals.values()), transaction


def run(books: Books, commands: Iterable[Any], each: Callable[[Outcome], None] = lambda _: None) -> Books:
    """Send them all; `each` sees every outcome."""
    for command in commands:
        each(books.send(command))
    return books
