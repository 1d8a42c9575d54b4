"""No card number gets in: not in a path, a parameter, a header or a body, and none is sent back."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from app.domain.card_numbers import holds_card_number
from web.problems import Problem

LEFT_ALONE: Final = frozenset({"AUTHORIZATION", "TRACEPARENT", "TRACESTATE", "CONTENT-LENGTH"})
"""Headers of random digits that mean nothing here; a key is checked by its hash and goes nowhere."""
AMOUNTS: Final = frozenset({"amount"})
"""Fields whose whole numbers are money."""


def refuse_card_numbers_around(request: web.Request) -> None:
    """Path, parameters and headers."""
    query = (text for pair in request.query.items() for text in pair)
    headers = (value for name, value in request.headers.items() if name.upper() not in LEFT_ALONE)
    if any(map(holds_card_number, (request.path, *query, *headers))):
        raise refused()


def refuse_card_numbers(value: Any, name: str = "") -> None:
    """A body: names and values of all fields, however deep (it was read, so its depth is bounded)."""
    if isinstance(value, dict):
        for key, part in value.items():
            refuse_card_numbers(key)
            refuse_card_numbers(part, key)
    elif isinstance(value, list):
        for part in value:
            refuse_card_numbers(part, name)
    elif not (isinstance(value, int) and name in AMOUNTS) and holds_card_number(str(value)):
        raise refused()


def refused() -> Problem:
    return Problem(
        "card_number_refused", "send a token of the PSP's instead; nothing of this request was kept"
    )
