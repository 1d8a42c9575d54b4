"""What became of a call, in the words that all callers share: a PspAnswer for every way it can end.

The line that matters: `retry` says that nothing happened at the PSP, so it is given only where nothing was
sent or the PSP itself says so (429, 503). Whatever broke off later may have happened: `unknown`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

import aiohttp

from app.domain.psp_calls import AnswerKind, PspAnswer
from app.domain.psp_facts import PspFact
from app.psp.adapter import Access
from app.psp.reading import storable, words

BUSY: Final = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
NOT_SENT: Final = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
"""Name not found, refused, no TLS, no connection in time or none free: the request never left."""
LONGEST_WAIT_SECONDS: Final = 86_400.0
LONGEST_URL: Final = 8_000


class Answered(Exception):
    """The answer is known before the PSP's own words are read."""

    def __init__(self, answer: PspAnswer) -> None:
        super().__init__(answer.reason)
        self.answer = answer


def ended(kind: AnswerKind, reason: str | None, facts: tuple[PspFact, ...] = ()) -> PspAnswer:
    """A call that was not done. A reason never carries a card number, whoever wrote it."""
    return PspAnswer(kind=kind, reason=words(reason or "no reason given"), facts=facts)


def kept(answer: PspAnswer) -> PspAnswer:
    """The answer, if it can be kept as a record; else it is one that nobody could read.

    Published all the same it would be a dead letter, and its payment would wait for an answer for ever.
    """
    try:
        if answer.url is not None and len(answer.url) > LONGEST_URL:
            raise ValueError(f"an address of {len(answer.url)} characters")
        return storable(answer)
    except ValueError as error:
        return ended("unknown", f"unreadable answer: {error}")


def busy(status: int, headers: Mapping[str, str]) -> PspAnswer:
    """The PSP took nothing in; when to come again, if it said so."""
    wait = retry_after_seconds(headers)
    return PspAnswer(kind="retry", reason=f"HTTP {status}", retry_after_seconds=wait)


def unanswered(error: aiohttp.ClientError | TimeoutError) -> PspAnswer:
    """The connection did not bring an answer."""
    if isinstance(error, aiohttp.InvalidURL):
        return ended("misconfigured", "the PSP's address is no URL")
    what = "no answer in time" if type(error) is TimeoutError else type(error).__name__
    return ended("retry" if isinstance(error, NOT_SENT) else "unknown", what)


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """`Retry-After` as seconds (RFC 9110 10.2.3: a number, or a date); None where there is none to read."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_WAIT_SECONDS)
    until = _date(text)
    if until is None:
        return None
    wait = (until - answered_at(headers)).total_seconds()
    return min(max(wait, 0.0), LONGEST_WAIT_SECONDS)


def answered_at(headers: Mapping[str, str]) -> datetime:
    """When the PSP answered, by its own clock where it tells."""
    return _date(headers.get("Date", "")) or datetime.now(UTC).replace(microsecond=0)


def timeout_of(access: Access) -> aiohttp.ClientTimeout:
    """The whole call's; getting a connection may take half of it, so that `not sent` is told from `sent`."""
    seconds = access.timeout_seconds
    return aiohttp.ClientTimeout(total=seconds, connect=seconds / 2)


def _date(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
