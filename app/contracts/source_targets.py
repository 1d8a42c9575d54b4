"""What the rows of a source's file may become: record types, and which of their fields hold what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

import msgspec
from msgspec import inspect

from app.contracts.asyncapi import record_types, tag
from app.contracts.topics import BY_NAME
from app.domain.banking import BankLine
from app.domain.commands import MerchantConfigure, PlatformConfigure
from app.domain.settlement import SettlementLine
from app.domain.streams import BANK_LINES, PAYMENTS_COMMANDS, SETTLEMENTS_LINES

FieldKind = Literal["text", "amount", "date", "moment"]

TOPIC_OF: Final[Mapping[str, str]] = {
    "settlement": SETTLEMENTS_LINES,
    "payments": PAYMENTS_COMMANDS,
    "bank": BANK_LINES,
}
"""What a file holds -> the topic of its records."""

DEFAULT_TYPE: Final[Mapping[str, str]] = {
    "settlement": "settlement.line",
    "payments": "payment.record",
    "bank": "bank.line",
}
NOT_FROM_FILES: Final = (MerchantConfigure, PlatformConfigure)
GIVEN: Final = frozenset({"source", "kind", "id"})
"""Fields that do not come from a column: the source's name, the rule that took the row, the record's id."""


def targets(holds: str) -> dict[str, type[msgspec.Struct]]:
    """Record's `type` -> record, for everything that a file of this kind may hold."""
    if holds == "settlement":
        return {"settlement.line": SettlementLine}
    if holds == "bank":
        return {"bank.line": BankLine}
    return {
        tag(record): record
        for record in record_types(BY_NAME[PAYMENTS_COMMANDS])
        if record not in NOT_FROM_FILES and not getattr(record, "is_timer", False)
    }


def field_kinds(record: type[msgspec.Struct]) -> dict[str, FieldKind]:
    """Field -> what it holds; a part of a nested record is named `payer.email`. Others cannot be mapped."""
    return dict(_kinds(inspect.type_info(record), ""))


def required_fields(record: type[msgspec.Struct]) -> set[str]:
    info: Any = inspect.type_info(record)
    return {field.encode_name for field in info.fields if field.required}


def _kinds(kind: Any, prefix: str) -> Iterator[tuple[str, FieldKind]]:
    for field in kind.fields:
        for part in _members(field.type):
            if isinstance(part, inspect.StructType) and not prefix:
                yield from _kinds(part, f"{field.encode_name}.")
            elif (found := _KINDS.get(type(part))) is not None:
                yield f"{prefix}{field.encode_name}", found


def _members(kind: inspect.Type) -> tuple[inspect.Type, ...]:
    return kind.types if isinstance(kind, inspect.UnionType) else (kind,)


_KINDS: Final[Mapping[type, FieldKind]] = {
    inspect.StrType: "text",
    inspect.LiteralType: "text",
    inspect.IntType: "amount",
    inspect.DateType: "date",
    inspect.DateTimeType: "moment",
}
