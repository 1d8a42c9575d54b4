"""Where the sandbox PSP decides: one operation at a time, written down before it is answered.

The same key with the same content gets the same answer, byte for byte; with other content it is refused.
A refusal of the books is an answer too, and kept; a request nobody could read is not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
from msgspec.structs import replace

from app.sandbox.books import Books
from app.sandbox.draft import Draft, Refusal, Terms
from app.sandbox.journal import Journal
from app.sandbox.objects import Charge, Entry, Kept, Notice, Thing
from app.sandbox.views import view

CREATED: Final = 201
DECLINED: Final = 402
KEPT_REFUSAL: Final = 422

Made = TypeVar("Made", bound=Thing)


class Answer(NamedTuple):
    status: int
    body: bytes
    replayed: bool = False


class Desk:
    """`told`: is given the webhooks of each operation; `url`: where the hosted pages are."""

    def __init__(
        self,
        books: Books,
        terms: Terms,
        journal: Journal,
        clock: Callable[[], datetime],
        told: Callable[[Sequence[Notice]], None],
    ) -> None:
        self.books, self.terms = books, terms
        self.url = ""
        self.broken: OSError | None = None
        """Why the journal cannot be written: memory is ahead of it, so nothing more may be decided."""
        self._journal, self._clock, self._told = journal, clock, told

    @property
    def now(self) -> datetime:
        return self._clock()

    def ask(self, key: str, content: bytes, operation: Callable[[Draft], Thing]) -> Answer:
        """Raises Refusal for a key that was used for something else, and for objects that do not exist."""
        digest = hashlib.blake2b(content, digest_size=16).hexdigest()
        known = self.books.keys.get(key)
        if known is not None:
            return _again(known, digest)
        draft = self._draft(key)
        try:
            made = operation(draft)
        except Refusal as refusal:
            if refusal.status != KEPT_REFUSAL:
                raise
            return self._keep(self._draft(key).entry(), key, digest, KEPT_REFUSAL, error(refusal))
        entry = draft.entry()
        self.books.apply(entry)
        status, body = self._answer(made)
        return self._keep(entry, key, digest, status, body)

    def perform(self, subject: str, operation: Callable[[Draft], Made]) -> Made:
        """An operation without a key: a payer's, a timer's, or one asked for by the tests."""
        draft = self._draft(f"{subject}/{self.books.seq}")
        made = operation(draft)
        entry = draft.entry()
        self.books.apply(entry)
        self._write(entry)
        return made

    def write(self, entry: Entry) -> None:
        """An entry that was made elsewhere."""
        self.books.apply(entry)
        self._write(entry)

    def delivered(self, notice_id: str) -> None:
        if notice_id in self.books.undelivered:
            self.write(Entry(seq=self.books.seq + 1, at=self.now, delivered=(notice_id,)))

    def shown(self, thing: Thing) -> dict[str, Any]:
        return view(self.books, thing, self.url)

    def _answer(self, made: Thing) -> tuple[int, bytes]:
        shown = self.shown(made)
        if isinstance(made, Charge) and made.status == "failed":
            declined = {"code": made.reason, "message": "the payment was declined", "charge": shown}
            return DECLINED, msgspec.json.encode({"error": declined})
        return CREATED, msgspec.json.encode(shown)

    def _keep(self, entry: Entry, key: str, digest: str, status: int, body: bytes) -> Answer:
        kept = Kept(digest, status, msgspec.Raw(body))
        self.books.keep(entry.seq, key, kept)
        self._write(replace(entry, key=key, kept=kept))
        return Answer(status, body)

    def _draft(self, base: str) -> Draft:
        if self.broken is not None:
            raise Refusal(503, "unavailable", "the journal cannot be written")
        return Draft(self.books, self.terms, self.now, base)

    def _write(self, entry: Entry) -> None:
        try:
            self._journal.write(entry)
        except OSError as error:
            self.broken = error
            raise
        self._told(entry.notices)


def _again(known: Kept, digest: str) -> Answer:
    if known.digest != digest:
        raise Refusal(409, "idempotency_conflict", "this key was used for another request")
    return Answer(known.status, bytes(known.answer), replayed=True)


def error(refusal: Refusal) -> bytes:
    said = {"code": refusal.code, "message": refusal.message, "field": refusal.field}
    return msgspec.json.encode({"error": {name: value for name, value in said.items() if value}})
