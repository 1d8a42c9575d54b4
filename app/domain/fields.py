"""Field types shared by all records. Limits are part of the contract: a value outside is a dead letter."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta

MAX_AMOUNT = 10**15
"""Largest amount in minor units; sums of a million of them still fit PostgreSQL's bigint."""

Amount = Annotated[int, Meta(ge=1, le=MAX_AMOUNT)]
"""A positive amount in minor units of the currency beside it."""
NonNegative = Annotated[int, Meta(ge=0, le=MAX_AMOUNT)]
SignedAmount = Annotated[int, Meta(ge=-MAX_AMOUNT, le=MAX_AMOUNT)]
MOST_ID_CHARACTERS = 200
Id = Annotated[str, Meta(min_length=1, max_length=MOST_ID_CHARACTERS)]
LongId = Annotated[str, Meta(min_length=1, max_length=401)]
"""An id made of two others and a slash."""
Currency = Annotated[str, Meta(min_length=3, max_length=3)]
"""ISO 4217 code; membership is checked by `money.check_currency` when the record is built."""
BasisPoints = Annotated[int, Meta(ge=0, le=10_000)]
Moment = Annotated[datetime, Meta(tz=True)]
