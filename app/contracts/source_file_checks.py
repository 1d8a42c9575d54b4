"""What contradicts itself in the description of a source's files, found before a file is read by it."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final, get_args
from zoneinfo import ZoneInfo

import msgspec

from app.contracts import statement_files
from app.contracts.source_targets import DEFAULT_TYPE, GIVEN, field_kinds, required_fields, targets
from app.domain.settlement import LineKind
from app.domain.source_files import Condition, Field, RowRule, SourceFile, Trailer

NAMED_DATES: Final = ("iso", "epoch_seconds", "epoch_milliseconds")
TOTALS: Final[Mapping[str, tuple[str, ...]]] = {
    "settlement": ("count", "gross", "fee", "net"),
    "payments": ("count", "amount"),
    "bank": ("count", "amount"),
}
"""What a file holds -> the control totals that can be checked."""
AMOUNT_ONLY: Final = ("sum", "debit", "credit", "direction", "negative_when", "flip", "absolute", "negative")
GIVES: Final = ("const", "column", "columns", "template", "default", "sum", "debit", "credit")
DERIVED: Final = frozenset({"settle_currency", "net", "gross", "line_id", "capture_id", "psp"})
"""Fields a record must have that can be worked out from others."""


def problems(file: SourceFile) -> Iterator[str]:
    """One sentence per contradiction, each beginning with the place in the description."""
    yield from statement_files.problems(file)
    file = statement_files.completed(file)
    yield from _text_problems(file)
    yield from _value_problems(file)
    yield from _rule_problems(file)
    if file.layout and file.format != "csv":
        yield f"layout: a {file.format} file has no {file.layout!r}"
    for trailer in ((file.trailer,) if file.trailer is not None else ()) + file.more_trailers:
        yield from _trailer_problems(file, trailer)


def _text_problems(file: SourceFile) -> Iterator[str]:
    try:
        if not codecs.lookup(file.encoding)._is_text_encoding:
            yield f"encoding: {file.encoding!r} is no text encoding"
    except LookupError:
        yield f"encoding: {file.encoding!r} is not known"
    if len(file.delimiter) != 1 or file.delimiter in "\r\n":
        yield f"delimiter: must be one character, not {file.delimiter!r}"
    for name, value in (("quote", file.quote), ("escape", file.escape)):
        if len(value) > 1:
            yield f"{name}: must be one character or none, not {value!r}"
    if file.quote and file.quote == file.delimiter:
        yield f"quote: {file.quote!r} is the delimiter as well"
    if file.skip_rows < 0:
        yield "skip_rows: must not be negative"
    for name, said in (("path", file.path), ("single", file.single)):
        if said and file.format != "json":
            yield f"{name}: a {file.format} file has no list inside a document"


def _value_problems(file: SourceFile) -> Iterator[str]:
    try:
        ZoneInfo(file.time_zone)
    except (KeyError, ValueError, OSError):
        yield f"time_zone: {file.time_zone!r} is not in the IANA data base"
    if not file.dates:
        yield "dates: at least one way of writing dates"
    for form in file.dates:
        if form not in NAMED_DATES and not _is_date_format(form):
            yield f"dates: {form!r} is neither {', '.join(NAMED_DATES)} nor a format with year, month and day"
    numbers = file.numbers
    if len(numbers.decimal) != 1 or numbers.decimal.isalnum() or numbers.decimal in "+-() ":
        yield f"numbers.decimal: must be one sign, not {numbers.decimal!r}"
    if len(numbers.group) > 1 or numbers.group.isalnum() or numbers.group == numbers.decimal:
        yield f"numbers.group: must be one sign other than the decimal one, or none, not {numbers.group!r}"


def _is_date_format(form: str) -> bool:
    moment = datetime(2031, 12, 25, tzinfo=UTC)
    try:
        read = datetime.strptime(moment.strftime(form), form)  # noqa: DTZ007 - only its date counts
        return read.date() == moment.date()
    except ValueError:
        return False


def _rule_problems(file: SourceFile) -> Iterator[str]:
    rules = file.rows or (RowRule(type=DEFAULT_TYPE[file.holds]) if file.holds == "payments" else RowRule(),)
    known = targets(file.holds)
    for index, rule in enumerate(rules, 1):
        place = f"rows.{index}" if file.rows else "fields"
        yield from _condition_problems(place, rule.when)
        if rule.ignore is not None:
            if rule.kind or rule.type:
                yield f"{place}: says both ignore and kind or type"
            continue
        record_type = rule.type or DEFAULT_TYPE[file.holds]
        if record_type not in known:
            yield f"{place}.type: {record_type!r} is not one of {', '.join(sorted(known))}"
            continue
        if rule.kind is not None and (file.holds != "settlement" or rule.kind not in get_args(LineKind)):
            yield f"{place}.kind: {rule.kind!r} is no kind of settlement line"
        yield from _field_problems(file, place, {**file.fields, **rule.fields}, known[record_type])
    yield from _unknown_names(file, known.values())


def _field_problems(
    file: SourceFile, place: str, fields: Mapping[str, str | Field], record: type[msgspec.Struct]
) -> Iterator[str]:
    kinds = field_kinds(record)
    for name in sorted(required_fields(record) - GIVEN - DERIVED - set(fields)):
        yield f"{place}: {name} is missing: a {record.__struct_config__.tag} must have it"
    if file.holds == "settlement" and "gross" not in fields and "net" not in fields:
        yield f"{place}: gross or net is missing"
    for name, field in fields.items():
        if isinstance(field, Field):
            yield from _one_field(f"{place}.{name}", field, kinds.get(name) == "amount")


def _one_field(place: str, field: Field, is_amount: bool) -> Iterator[str]:
    if not any(getattr(field, name) for name in GIVES):
        yield f"{place}: says nowhere where the value comes from"
    if field.upper and is_amount:
        yield f"{place}: upper is for texts only"
    wrong = [name for name in AMOUNT_ONLY if getattr(field, name)]
    if wrong and not is_amount:
        yield f"{place}: {', '.join(wrong)} is for amounts only"
    if bool(field.debit) != bool(field.credit):
        yield f"{place}: debit and credit go together"
    if bool(field.direction) != bool(field.negative_when):
        yield f"{place}: direction and negative_when go together"
    if field.pattern is not None:
        yield from _pattern_problems(f"{place}.pattern", field.pattern)


def _condition_problems(place: str, conditions: Iterable[Condition]) -> Iterator[str]:
    for condition in conditions:
        if condition.matches is not None:
            yield from _pattern_problems(f"{place}.when.matches", condition.matches)
        said = (condition.equals, condition.differs, condition.matches, condition.sign)
        if not any(said) and condition.empty is None:
            yield f"{place}.when: says nothing about {condition.column!r}"


def _pattern_problems(place: str, pattern: str) -> Iterator[str]:
    try:
        re.compile(pattern)
    except re.error as error:
        yield f"{place}: {pattern!r} is no regular expression: {error}"


def _unknown_names(file: SourceFile, records: Iterable[type[msgspec.Struct]]) -> Iterator[str]:
    known = {name for record in records for name in field_kinds(record)} - GIVEN | {"line_id"}
    every = [("fields", file.fields)] + [(f"rows.{n}.fields", r.fields) for n, r in enumerate(file.rows, 1)]
    for place, fields in every:
        for name in fields:
            if name not in known:
                yield f"{place}.{name}: there is no such field; known: {', '.join(sorted(known))}"


def _trailer_problems(file: SourceFile, trailer: Trailer) -> Iterator[str]:
    if bool(trailer.when) == bool(trailer.path):
        yield "trailer: says either `when` (how its row is known) or, in JSON, `path` (where it is)"
    if trailer.path and file.format != "json":
        yield f"trailer.path: a {file.format} file has its trailer in a row: say `when`"
    if trailer.group is not None and trailer.path:
        yield "trailer.group: what stands beside the list is of the whole document"
    yield from _condition_problems("trailer", trailer.when)
    said = [name for name in ("count", "gross", "fee", "net", "amount") if getattr(trailer, name) is not None]
    allowed = TOTALS[file.holds]
    if not said:
        yield f"trailer: has no control total; known: {', '.join(allowed)}"
    for name in said:
        if name not in allowed:
            yield f"trailer.{name}: a file of {file.holds} has {', '.join(allowed)}"
        field = getattr(trailer, name)
        if isinstance(field, Field):
            yield from _one_field(f"trailer.{name}", field, is_amount=name != "count")
