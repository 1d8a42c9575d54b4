"""Types of the fields that requests send. Their limits are in `/openapi.json`, for clients to keep to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Meta

from app.domain.fields import MAX_AMOUNT
from app.domain.money import EXPONENTS

if TYPE_CHECKING:
    CurrencyCode = str
else:
    CurrencyCode = Literal[tuple(sorted(EXPONENTS))]
    """ISO 4217; a list of the codes, so that an unknown one is named as such."""

Minor = Annotated[
    int, Meta(ge=1, le=MAX_AMOUNT, description="In minor units of `currency`: 1050 is EUR 10.50 and JPY 1050")
]
NewId = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=100,
        pattern="^[A-Za-z0-9][A-Za-z0-9._:@+-]*(?![\\s\\S])",
        description="Unique per merchant; where it is left out one is made of the `Idempotency-Key`",
    ),
]
Name = Annotated[str, Meta(min_length=1, max_length=200, pattern="^[^\\u0000-\\u001f\\u007f]*(?![\\s\\S])")]
"""An id or a reference of somebody else's. (`$` alone would pass a last newline.)"""
Words = Annotated[str, Meta(min_length=1, max_length=200, pattern="^[^\\u0000-\\u001f\\u007f]*(?![\\s\\S])")]
"""A text for people."""
PageUrl = Annotated[
    str,
    Meta(
        min_length=8,
        max_length=2000,
        pattern="^https?://[A-Za-z0-9\\[][!-;=?-~]*(?![\\s\\S])",
        description="Absolute, in ASCII",
    ),
]
