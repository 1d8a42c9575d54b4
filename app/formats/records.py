"""Compiles a source's description into a function: a row's content -> the record it becomes.

A settlement line's gross, fee and net follow from each other where the file has no column for one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from app.contracts.source_targets import DEFAULT_TYPE, field_kinds, targets
from app.domain.configuration import SourceConfiguration
from app.domain.source_files import Field, RowRule, SourceFile
from app.formats.amounts import Parse, parser, to_minor
from app.formats.dates import Dates
from app.formats.errors import BadRow
from app.formats.fields import Amount, Test, Text, all_hold, amount, full, text
from app.formats.rows import Rows

Figures = Mapping[str, tuple[str, int]]
"""Name of an amount -> its currency and its minor units."""
SETTLEMENT: Final = ("gross", "fee", "tax", "reserve", "net")
LINE_ID: Final = "line_id"
BOTH: Final = "currency"


class Built(NamedTuple):
    """What a row says. `line_id` is empty where the file has none; `fields` are the record's, without ids."""

    type: str
    fields: dict[str, Any]
    line_id: str
    figures: Figures


class Ignored(NamedTuple):
    reason: str


class Mapper:
    """All rules of one source, compiled for one opened file."""

    def __init__(self, name: str, source: SourceConfiguration, file: SourceFile, rows: Rows) -> None:
        self.parse = parser(file.numbers)
        dates = Dates(file)
        default = RowRule(kind="capture") if file.holds == "settlement" else RowRule()
        self._rules = [
            (all_hold(rule.when, rows, self.parse), _Rule(name, source, file, rule, rows, self.parse, dates))
            for rule in file.rows or (default,)
        ]

    def build(self, content: Any) -> Built | Ignored:
        """Raises BadRow."""
        rule = self._rule(content)
        return Ignored(rule.ignore) if rule.ignore is not None else rule.build(content)

    def ignores(self, content: Any) -> str | None:
        """The reason why a row is left out, None for any other."""
        try:
            return self._rule(content).ignore
        except BadRow:
            return None

    def figures(self, content: Any) -> Figures | None:
        """The amounts of a row that may not become a record; None where they cannot be read either."""
        try:
            return self._rule(content).figures(content)
        except BadRow:
            return None

    def _rule(self, content: Any) -> _Rule:
        holds: Test
        for holds, rule in self._rules:
            if holds(content):
                return rule
        raise BadRow("no rule of the source's `rows` fits")


class _Rule:
    """What rows of one kind become."""

    def __init__(
        self,
        name: str,
        source: SourceConfiguration,
        file: SourceFile,
        rule: RowRule,
        rows: Rows,
        parse: Parse,
        dates: Dates,
    ) -> None:
        self.ignore = rule.ignore
        self._file = file
        self._type = rule.type or DEFAULT_TYPE[file.holds]
        given: dict[str, str | Field] = {**file.fields, **rule.fields}
        target = targets(file.holds)[self._type]
        kinds = field_kinds(target)
        self._known = set(kinds)
        self._fixed: dict[str, Any] = {"source": name, "psp": source.psp, "kind": rule.kind or "capture"}
        self._amounts: dict[str, Amount] = {}
        self._others: list[tuple[str, Callable[[str], Any] | None, Text]] = []
        convert: dict[str, Callable[[str], Any]] = {"date": dates.day, "moment": dates.moment}
        for field, how in given.items():
            kind = kinds.get(field, "text")
            if kind == "amount":
                self._amounts[field] = amount(how, rows, parse)
            elif field not in (BOTH, LINE_ID):
                self._others.append((field, convert.get(kind), text(how, rows)))
        self._currency = text(given[BOTH], rows) if BOTH in given else None
        self._settle = text(given["settle_currency"], rows) if "settle_currency" in given else None
        self._line_id = text(given[LINE_ID], rows) if LINE_ID in given else None
        self._may_lack_id = LINE_ID in given and full(given[LINE_ID]).optional

    def build(self, content: Any) -> Built:
        figures = self.figures(content)
        fields = {name: value for name, value in self._fixed.items() if name in self._known}
        for name, convert, read in self._others:
            if found := read(content):
                fields[name] = convert(found) if convert is not None else found
        if self._currency is not None:
            fields[BOTH] = self._currency(content)
        fields.update({name: value for name, (_, value) in figures.items()})
        if self._file.holds == "settlement":
            fields.setdefault("settle_currency", fields.get(BOTH))
        line_id = self._line_id(content) if self._line_id is not None else ""
        if self._line_id is not None and not line_id and not self._may_lack_id:
            raise BadRow("line_id is empty")
        return Built(self._type, _nested(fields), line_id, figures)

    def figures(self, content: Any) -> Figures:
        currency = self._currency(content) if self._currency is not None else ""
        if not currency:
            raise BadRow("currency is empty")
        if self._file.holds == "settlement":
            return self._settlement_figures(content, currency)
        return {
            name: (currency, value) for name, value in self._minor(content, currency, self._amounts).items()
        }

    def _settlement_figures(self, content: Any, currency: str) -> Figures:
        settle = (self._settle(content) if self._settle is not None else "") or currency
        found = self._minor(content, currency, {k: v for k, v in self._amounts.items() if k == "gross"})
        found |= self._minor(content, settle, {k: v for k, v in self._amounts.items() if k != "gross"})
        complete = _complete(found, converted=settle != currency)
        return {name: (currency if name == "gross" else settle, complete[name]) for name in SETTLEMENT}

    def _minor(self, content: Any, currency: str, amounts: Mapping[str, Amount]) -> dict[str, int]:
        numbers = self._file.numbers
        read = ((name, value) for name, get in amounts.items() if (value := get(content)) is not None)
        return {name: to_minor(value, currency, numbers, name) for name, value in read}


def _complete(found: dict[str, int], *, converted: bool) -> dict[str, int]:
    """Gross, fee and net follow from each other inside one currency; tax and reserve are 0 if not named."""
    tax, reserve = found.setdefault("tax", 0), found.setdefault("reserve", 0)
    if converted:
        if "gross" not in found or "net" not in found:
            raise BadRow("gross and net must both be there where the line is settled in another currency")
        found.setdefault("fee", 0)
    elif "gross" in found and "net" in found:
        found.setdefault("fee", found["gross"] - tax - reserve - found["net"])
    elif "gross" in found:
        found["net"] = found["gross"] - found.setdefault("fee", 0) - tax - reserve
    elif "net" in found:
        found["gross"] = found["net"] + found.setdefault("fee", 0) + tax + reserve
    else:
        raise BadRow("neither gross nor net is there")
    return found


def _nested(fields: dict[str, Any]) -> dict[str, Any]:
    """`payer.email` becomes a field of `payer`."""
    for name in [name for name in fields if "." in name]:
        outer, _, inner = name.partition(".")
        fields.setdefault(outer, {})[inner] = fields.pop(name)
    return fields


def to_record(built: Built, holds: str, ids: Mapping[str, str]) -> msgspec.Struct:
    """The record, checked by its type. Raises BadRow saying what is missing or out of its limits."""
    try:
        return msgspec.convert({**built.fields, **ids}, targets_of(holds)[built.type])
    except (msgspec.ValidationError, ValueError) as error:
        raise BadRow(_plainly(str(error))) from None


def _plainly(message: str) -> str:
    what, _, path = message.partition(" - at `$.")
    return f"{path.rstrip('`')}: {what}" if path else what


_TARGETS: Final = {holds: targets(holds) for holds in DEFAULT_TYPE}


def targets_of(holds: str) -> Mapping[str, type[msgspec.Struct]]:
    """`targets`, worked out once."""
    return _TARGETS[holds]
