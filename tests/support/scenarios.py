"""Scenarios as text: records, the outcome each must have, and *all* that it posts and shows.

    = title                                   begins a scenario on empty books (merchant m-1, EUR)
    # comment
    > TYPE field=value ... => OUTCOME         a record; id, merchant_id, currency, occurred_at have defaults
    ^ OUTCOME ...                             what lanes told each other arrives
    @ +2d                                     time passes (s, h, d), timers fire
    | KIND: D account amount[ CUR], C ...     one posted transaction of the step above, in order
    ! CATEGORY [SEVERITY] [expected -> actual]  a mismatch that the step above opened, changed or reopened
    ~ CATEGORY                                a mismatch that the step above resolved
    * TYPE field=value ...                    an event of the step above (only those that are asked for)
    + KIND key gross=N fee=N                  an expectation of the step above (all of them), or withdrawn
    + claim KEY PAYMENT                       a PSP's id that the directory was told of
    $ OPERATION OBJECT AMOUNT[ CUR] field=... a call that the step above asks of a PSP (all of them)
    < OPERATION OBJECT OUTCOME field=value ... => OUTCOME   the answer to the last such call; `fact=KIND`
                                              brings a fact of it, `fact.NAME=` its fields
    ? balance ACCOUNT[ CUR] AMOUNT            state now
    ? payment|payout|merchant ID field=value ...

A step's `|`, `!`, `~`, `+` and `$` lines are complete: what is not listed must not happen. Values are whole
numbers, JSON, or text.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from app.domain.mismatch_events import MismatchRecord, MismatchResolved
from app.domain.settlement import ExpectationAnnounced, ExpectationWithdrawn, IdentityClaimed
from app.domain.state import Ref
from app.domain.streams import EFFECTS_REQUESTS, MATCHING_COMMANDS
from tests.support.domain import Books, Outcome, record

UNITS = {"s": "seconds", "h": "hours", "d": "days"}
WITHOUT_CURRENCY = (
    "payout.paid",
    "payout.failed",
    "payout.returned",
    "settlement.matched",
    "merchant.configure",
    "platform.configure",
    "payment.void",
    "payout.approve",
    "payout.reject",
)
REQUESTS = (
    "refund.create",
    "payout.create",
    "merchant.configure",
    "platform.configure",
    "payment.create",
    "payment.capture",
    "payment.void",
    "payout.approve",
    "payout.reject",
)
"""What says no date of its own."""


class Scenario(NamedTuple):
    title: str
    source: str
    """File and line."""
    lines: tuple[tuple[int, str], ...]


def read(path: Path) -> Iterator[Scenario]:
    title, start, lines = "", 0, list[tuple[int, str]]()
    for number, raw in enumerate(path.read_text().splitlines(), 1):
        line = raw.strip()
        if line.startswith("= "):
            if title:
                yield Scenario(title, f"{path.name}:{start}", tuple(lines))
            title, start, lines = line[2:], number, []
        elif line and not line.startswith("#"):
            lines.append((number, line))
    yield Scenario(title, f"{path.name}:{start}", tuple(lines))


class Player:
    """Plays one scenario; every failure says the line."""

    def __init__(self) -> None:
        self.books = Books()
        self.count = 0
        self.posted: list[str] = []
        self.shown: list[str] = []
        self.expected: list[str] = []
        self.calls: list[str] = []
        self.events: list[Any] = []

    def play(self, scenario: Scenario) -> None:
        where = scenario.source.split(":")[0]
        for number, line in scenario.lines:
            try:
                self._line(line[0], line[1:].strip())
            except AssertionError as error:
                raise AssertionError(f"{where}:{number}: {line}\n{error}") from error
        self._nothing_left()
        self.books.check_all()

    def _line(self, mark: str, text: str) -> None:
        if mark in ">@<^":
            self._nothing_left()
            self._step(mark, text)
        elif mark == "|":
            assert self.posted, "nothing more was posted"
            assert self.posted.pop(0) == " ".join(text.split())
        elif mark in "!~":
            self._mismatch(mark, text)
        elif mark == "+":
            assert self.expected, "no further expectation was sent"
            assert self.expected.pop(0) == text
        elif mark == "$":
            assert self.calls, "nothing more was asked"
            assert has_words(self.calls.pop(0), text)
        elif mark == "*":
            self._event(text)
        else:
            assert mark == "?", f"unknown mark {mark!r}"
            self._state(text)

    def _nothing_left(self) -> None:
        left = self.posted + self.shown + self.expected + self.calls
        assert not left, f"also happened: {left}"

    def _step(self, mark: str, text: str) -> None:
        posted, sent = len(self.books.transactions), len(self.books.sends)
        if mark == "@":
            amount = timedelta(**{UNITS[text[-1]]: int(text[1:-1])})
            outcomes = self.books.advance(amount)
            assert all(outcome.name == "applied" for outcome in outcomes), [str(o) for o in outcomes]
        elif mark == "<":
            self._answer(text)
        elif mark == "^":
            told = [str(outcome) for outcome in self.books.deliver()]
            assert told == text.split(), told
        else:
            self._record(text)
        self._collect(posted, sent)

    def _record(self, text: str) -> None:
        command, _, expected = text.partition("=>")
        outcome = self.send(command)
        assert str(outcome) == expected.strip(), f"outcome {outcome}"

    def _answer(self, text: str) -> None:
        command, _, expected = text.partition("=>")
        self.count += 1
        outcome = self.books.send(answer_to(self.books, f"c{self.count}", command))
        assert str(outcome) == expected.strip(), f"outcome {outcome}"

    def send(self, text: str) -> Outcome:
        tag, *words = text.split()
        self.count += 1
        fields: dict[str, Any] = {"id": f"c{self.count}", "type": tag}
        if tag != "platform.configure":
            fields["merchant_id"] = "m-1"
        if tag not in WITHOUT_CURRENCY:
            fields["currency"] = "EUR"
        if tag not in REQUESTS:
            fields["occurred_at"] = self.books.now.isoformat()
        if tag == "merchant.configure":
            fields["settlement_currency"] = "EUR"
        fields.update(parse_fields(words))
        return self.books.send(record(**fields))

    def _collect(self, posted: int, sent: int) -> None:
        self.posted = [describe_transaction(t) for t in self.books.transactions[posted:]]
        sends = self.books.sends[sent:]
        self.shown = [describe_mismatch(s.record) for s in sends if isinstance(s.record, MismatchRecord)]
        self.expected = [describe_expectation(s.key, s.record) for s in sends if s.topic == MATCHING_COMMANDS]
        self.calls = [describe_call(s.record) for s in sends if s.topic == EFFECTS_REQUESTS]
        self.events = [s.record for s in sends]

    def _mismatch(self, mark: str, text: str) -> None:
        assert self.shown, "no further mismatch was shown"
        shown = self.shown.pop(0)
        wanted = f"{mark} {text}"
        assert shown == wanted or shown.startswith(f"{wanted} "), f"shown: {shown}"

    def _event(self, text: str) -> None:
        tag, *words = text.split()
        wanted = parse_fields(words)
        found = [e for e in self.events if type(e).__struct_config__.tag == tag]
        assert found, f"no {tag} among {[type(e).__struct_config__.tag for e in self.events]}"
        assert any(_has(event, wanted) for event in found), found

    def _state(self, text: str) -> None:
        kind, name, *words = text.split()
        if kind == "balance":
            currency = words[0] if len(words) == 2 else "EUR"
            assert self.books.balance(name, currency) == int(words[-1]), self.books.balance(name, currency)
            return
        own = tuple(name.split("/", 1)) if "/" in name else ("m-1", name)
        key = (name,) if kind == "merchant" else own
        found = self.books.rows.get(Ref(kind, key))  # type: ignore[arg-type]
        assert found is not None, f"there is no {kind} {name}"
        assert _has(found, parse_fields(words)), found


def answer_to(books: Books, record_id: str, text: str) -> Any:
    """`psp.answered` to the last call of this operation and object."""
    operation, object_id, outcome, *words = text.split()
    effects = [s.record for s in books.sends if s.topic == EFFECTS_REQUESTS]
    asked = [e for e in effects if (e.work.operation, e.work.object_id) == (operation, object_id)]
    assert asked, f"{operation} {object_id} was never asked"
    fields = parse_fields(words)
    about = {name[5:]: fields.pop(name) for name in list(fields) if name.startswith("fact.")}
    kind = fields.pop("fact", None)
    facts = [fact_of(asked[-1].work, kind, books.now.isoformat(), about)] if kind else []
    return record(
        type="psp.answered",
        id=record_id,
        merchant_id=asked[-1].work.merchant_id,
        effect_id=asked[-1].id,
        psp=asked[-1].work.psp,
        operation=operation,
        payment_id=asked[-1].work.payment_id,
        object_id=object_id,
        outcome=outcome,
        facts=facts,
        answered_at=books.now.isoformat(),
        **fields,
    )


def fact_of(call: Any, kind: str, occurred_at: str, about: dict[str, Any]) -> dict[str, Any]:
    """What an adapter would say happened by this call."""
    own = {"object_id": call.object_id} if call.operation in ("capture", "refund") else {}
    names = {"psp_payment_id": call.psp_payment_id or f"psp-{call.object_id}"}
    common = {"kind": kind, "psp": call.psp, "amount": call.amount, "currency": call.currency}
    return {**common, **own, **names, "occurred_at": occurred_at, **about}


def describe_call(effect: Any) -> str:
    call = effect.work
    words = [call.operation, call.object_id, str(call.amount)]
    words += [] if call.currency == "EUR" else [call.currency]
    fields = msgspec.to_builtins(call)
    more = [f"{name}={value}" for name, value in fields.items() if name not in _CALL_HEAD]
    return " ".join([*words, *more])


_CALL_HEAD = ("kind", "operation", "object_id", "amount", "currency", "merchant_id")


def has_words(found: str, wanted: str) -> bool:
    """Whether the call is as the line says; further fields of it need not be named."""
    assert set(wanted.split()) <= set(found.split()), f"asked: {found}"
    return True


def parse_fields(words: list[str]) -> dict[str, Any]:
    return {key: _value(value) for key, _, value in (word.partition("=") for word in words)}


def _value(text: str) -> Any:
    if text.lstrip("-").isdigit() or text[:1] in '{["' or text in ("null", "true", "false"):
        return msgspec.json.decode(text)
    return text


def _has(value: Any, wanted: dict[str, Any]) -> bool:
    plain = {key: msgspec.json.decode(msgspec.json.encode(getattr(value, key))) for key in wanted}
    return plain == wanted


def describe_transaction(transaction: Any) -> str:
    legs = [
        f"{'D' if entry.direction == 'debit' else 'C'} {entry.account} {entry.amount}"
        + ("" if entry.currency == "EUR" else f" {entry.currency}")
        for entry in transaction.entries
    ]
    return f"{transaction.kind}: {', '.join(legs)}"


def describe_mismatch(event: Any) -> str:
    mark = "~" if isinstance(event, MismatchResolved) else "!"
    return f"{mark} {event.category} {event.severity} {event.expected_amount} -> {event.actual_amount}"


def describe_expectation(
    key: str, event: ExpectationAnnounced | ExpectationWithdrawn | IdentityClaimed
) -> str:
    if isinstance(event, IdentityClaimed):
        return f"claim {key} {event.payment_id}"
    if isinstance(event, ExpectationWithdrawn):
        return f"{event.kind} {key} withdrawn"
    return f"{event.kind} {key} gross={event.gross} fee={event.expected_fee}"
