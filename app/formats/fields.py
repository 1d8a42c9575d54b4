"""Compiles the description of fields into functions of a row's content."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

from app.domain.source_files import Condition, Field
from app.formats.amounts import Parse
from app.formats.errors import BadRow
from app.formats.rows import Getter, Rows, as_text

Text = Callable[[Any], str]
"""Gives the field's text, empty where there is none. Raises BadRow."""
Amount = Callable[[Any], Decimal | None]
Test = Callable[[Any], bool]


def full(field: str | Field) -> Field:
    """A name alone is the name of the column."""
    return Field(column=field) if isinstance(field, str) else field


def text(given: str | Field, rows: Rows) -> Text:
    """Where the text of a field comes from. Raises FileRefused for a column that the file has not."""
    field = full(given)
    parts = list(_text_parts(field, rows))
    values, default, upper = field.values, field.default or "", field.upper
    if len(parts) == 1 and not values and not default and not upper:
        return parts[0]

    def read(content: Any) -> str:
        for part in parts:
            if found := part(content):
                found = values.get(found, found)
                return found.upper() if upper else found
        return default

    return read


def _text_parts(field: Field, rows: Rows) -> Iterable[Text]:
    if field.const is not None:
        constant = field.const
        yield lambda content: constant
    for name in _columns(field):
        yield _matching(field.pattern, _column(name, rows, field.optional))
    if field.template is not None:
        yield _matching(field.pattern, _template(field.template, rows, field.optional))


def _columns(field: Field) -> Sequence[str]:
    return (*((field.column,) if field.column is not None else ()), *field.columns)


def _column(name: str, rows: Rows, optional: bool = False) -> Text:
    get = rows.getter(name, optional=optional)
    return lambda content: as_text(get(content), name)


def _template(template: str, rows: Rows, optional: bool) -> Text:
    parts = [
        (literal, _column(name, rows, optional) if name is not None else None)
        for literal, name, _, _ in string.Formatter().parse(template)
    ]

    def read(content: Any) -> str:
        pieces: list[str] = []
        for literal, column in parts:
            pieces.append(literal)
            if column is not None:
                found = column(content)
                if not found:
                    return ""
                pieces.append(found)
        return "".join(pieces)

    return read


def _matching(pattern: str | None, read: Text) -> Text:
    if pattern is None:
        return read
    search = re.compile(pattern).search

    def part(content: Any) -> str:
        found = search(read(content))
        if found is None:
            return ""
        return (found[1] if found.re.groups else found[0]) or ""

    return part


def amount(given: str | Field, rows: Rows, parse: Parse) -> Amount:
    """The signed amount of a field, None where there is none. Raises BadRow, FileRefused like `text`."""
    field = full(given)
    unsigned = _unsigned(field, rows, parse)
    if not (field.direction or field.flip or field.absolute or field.negative):
        return unsigned
    direction = _column(field.direction, rows) if field.direction else None

    def read(content: Any) -> Decimal | None:
        found = unsigned(content)
        if found is None:
            return None
        if direction is not None and direction(content) in field.negative_when:
            found = -abs(found)
        if field.flip:
            found = -found
        if field.negative:
            return -abs(found)
        return abs(found) if field.absolute else found

    return read


def _unsigned(field: Field, rows: Rows, parse: Parse) -> Amount:
    if field.sum:
        return _sum(field, rows, parse)
    if field.debit is not None and field.credit is not None:
        return _two_columns(field, field.debit, field.credit, rows, parse)
    simple = field.const is None and not field.template and not field.pattern and not field.values
    if simple and field.column is not None and not field.columns:
        return _one_column(field.column, field, rows, parse)
    read = text(field, rows)
    name = ", ".join(_columns(field)) or "the amount"
    return lambda content: parse(read(content), name)


def _one_column(name: str, field: Field, rows: Rows, parse: Parse) -> Amount:
    """Straight from the column: in JSON a number stays a number."""
    get, default = rows.getter(name, optional=field.optional), field.default

    def read(content: Any) -> Decimal | None:
        found = parse(get(content), name)
        return parse(default, name) if found is None and default is not None else found

    return read


def _two_columns(field: Field, debit: str, credit: str, rows: Rows, parse: Parse) -> Amount:
    get_debit = rows.getter(debit, optional=field.optional)
    get_credit = rows.getter(credit, optional=field.optional)

    def read(content: Any) -> Decimal | None:
        out, into = parse(get_debit(content), debit), parse(get_credit(content), credit)
        if out and into:
            raise BadRow(f"{debit} {out} and {credit} {into}: only one of them can be")
        if out:
            return -abs(out)
        return into if into is not None else out

    return read


def _sum(field: Field, rows: Rows, parse: Parse) -> Amount:
    terms = [
        (rows.getter(name.removeprefix("-"), optional=field.optional), name.startswith("-"), name)
        for name in field.sum
    ]

    def read(content: Any) -> Decimal | None:
        found = [(parse(get(content), name), taken_away) for get, taken_away, name in terms]
        present = [-value if taken_away else value for value, taken_away in found if value is not None]
        return sum(present, Decimal(0)) if present else None

    return read


def all_hold(conditions: Iterable[Condition], rows: Rows, parse: Parse) -> Test:
    """Whether a row meets every condition."""
    tests = [
        _test(condition, rows.getter(condition.column, optional=condition.optional), parse)
        for condition in conditions
    ]
    return lambda content: all(test(content) for test in tests)


def _test(condition: Condition, get: Getter, parse: Parse) -> Test:
    name = condition.column
    search = re.compile(condition.matches).search if condition.matches is not None else None

    def holds(content: Any) -> bool:
        if condition.sign is not None and not _has_sign(parse(get(content), name), condition.sign):
            return False
        found = as_text(get(content), name)
        if condition.equals and found not in condition.equals:
            return False
        if found in condition.differs or (search is not None and not search(found)):
            return False
        return condition.empty is None or condition.empty == (not found)

    return holds


def _has_sign(amount: Decimal | None, sign: str) -> bool:
    if amount is None:
        return False
    return {"negative": amount < 0, "positive": amount > 0, "zero": amount == 0}[sign]
