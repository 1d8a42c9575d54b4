"""One operation of the sandbox PSP while it is being decided: nothing of it counts before it is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from app.sandbox.books import Books
from app.sandbox.money import Plan
from app.sandbox.objects import BankMove, Entry, Kept, Movement, MovementKind, Notice, Object, Thing

Kind = TypeVar("Kind", bound=Thing)


class Refusal(Exception):
    """The PSP says no; `status` is the HTTP status, `code` one word for programs."""

    def __init__(self, status: int, code: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.field = status, code, message, field


def not_found(kind: type[Thing], thing_id: str) -> Refusal:
    return Refusal(404, "not_found", f"there is no {kind.__name__.lower()} {thing_id}")


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """How this PSP works, apart from its faults. Durations in seconds."""

    seed: int = 1
    plan: Plan = Plan()
    authorization_seconds: float = 7 * 86_400.0
    session_seconds: float = 86_400.0


class Draft:
    """`base`: what ids are made of, so that the same seed and request give the same ids."""

    def __init__(self, books: Books, terms: Terms, now: datetime, base: str) -> None:
        self.books, self.terms, self.now = books, terms, now
        self._base = f"{terms.seed}/{base}"
        self._made = 0
        self._objects: dict[tuple[type[Thing], str], Object] = {}
        self._movements: list[Movement] = []
        self._bank: list[BankMove] = []
        self._notices: list[Notice] = []

    def new_id(self, prefix: str) -> str:
        self._made += 1
        name = f"{self._base}/{self._made}".encode()
        return f"{prefix}_{hashlib.blake2b(name, digest_size=12).hexdigest()}"

    def get(self, kind: type[Kind], thing_id: str) -> Kind:
        """As this operation has left it so far. Raises Refusal: there is none."""
        found = self._objects.get((kind, thing_id)) or self.books.all(kind).get(thing_id)
        if not isinstance(found, kind):
            raise not_found(kind, thing_id)
        return found

    def put(self, thing: Object) -> None:
        self._objects[type(thing), thing.id] = thing

    def move(self, kind: MovementKind, source: Any, gross: int, fee: int = 0) -> None:
        """Signed: what the PSP owes more (or less, negative) because of `source`."""
        self._movements.append(
            Movement(
                id=self.new_id("mv"),
                at=self.now,
                kind=kind,
                source=source.id,
                charge=source.charge,
                gross=gross,
                fee=fee,
                currency=source.currency,
            )
        )

    def pay(self, source: Thing, amount: int, text: str) -> None:
        """A line of the bank account, signed."""
        bank_id = self.new_id("bk")
        self._bank.append(
            BankMove(
                id=bank_id, at=self.now, source=source.id, amount=amount, currency=source.currency, text=text
            )
        )

    def tell(self, event_type: str, data: Mapping[str, Any], at: datetime | None = None) -> None:
        notice = Notice(id=self.new_id("evt"), type=event_type, timestamp=at or self.now, data=dict(data))
        self._notices.append(notice)

    def entry(self, key: str | None = None, kept: Kept | None = None, **more: Any) -> Entry:
        return Entry(
            seq=self.books.seq + 1,
            at=self.now,
            key=key,
            kept=kept,
            objects=tuple(self._objects.values()),
            movements=tuple(self._movements),
            bank=tuple(self._bank),
            notices=tuple(self._notices),
            **more,
        )
