"""What a source's files look like, as data: the `file` part of a source in the platform's configuration.

Plain data that every lane carries and none of them reads; `app/formats` reads files by it, and
`app/contracts/source_file_checks.py` says what contradicts itself in it. `docs/sources.md` explains it to
people. Columns are named by their header, in JSON by their path (`amount.value`); `#3` is the third column.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Holds = Literal["settlement", "payments", "bank"]
Format = Literal["csv", "json", "jsonl", "camt", "mt940", "bai2", "ofx"]
"""The last four are bank statements; `mt940` reads MT942 as well, `camt` .052, .053 and .054."""


class Numbers(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How amounts are written. A leading or trailing minus and parentheses always mean negative."""

    decimal: str = "."
    group: str = ""
    """Between thousands; empty: there is nothing between them, and an amount that has it is refused."""
    unit: Literal["major", "minor"] = "major"
    symbols: tuple[str, ...] = ()
    """Taken off either end: currency signs and codes."""
    negative_marks: tuple[str, ...] = ()
    """Words at either end that make an amount negative, like `DR`."""
    positive_marks: tuple[str, ...] = ()
    exponents: dict[str, int] = {}
    """With `minor`: digits of a currency's minor unit where the source differs from ISO 4217."""
    rounded: bool = False
    """More digits than the currency has are rounded half up, each amount once; else they are refused."""


class Field(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where one field of a record comes from: the first of its parts, in this order, that gives something."""

    const: str | None = None
    column: str | None = None
    columns: tuple[str, ...] = ()
    """The first of these that is not empty."""
    template: str | None = None
    """Text with `{column}` in it; gives nothing where one of its columns is empty."""
    default: str | None = None
    pattern: str | None = None
    """A regular expression that a column's text must have in it; its first group (or the whole) counts."""
    values: dict[str, str] = {}
    """What is written -> what is meant; anything else stays as it is."""
    optional: bool = False
    """The file need not have the column at all."""

    sum: tuple[str, ...] = ()
    """Amounts only: these columns added up, those with a leading `-` taken away; an empty one counts 0."""
    debit: str | None = None
    """Amounts only: the column of debits, which are negative, beside `credit`."""
    credit: str | None = None
    direction: str | None = None
    """Amounts only: the column that says which way; `negative_when` lists its values that mean minus."""
    negative_when: tuple[str, ...] = ()
    flip: bool = False
    """Amounts only: the file's sign is the other way round."""
    absolute: bool = False
    """Amounts only: without its sign."""
    negative: bool = False
    """Amounts only: below zero, whatever its sign in the file."""
    upper: bool = False
    """Text only: in capitals, as currency codes are written."""


class Condition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a row's column must be; everything that is said must hold."""

    column: str
    equals: tuple[str, ...] = ()
    differs: tuple[str, ...] = ()
    matches: str | None = None
    """A regular expression that is found in it."""
    sign: Literal["negative", "positive", "zero"] | None = None
    empty: bool | None = None
    optional: bool = False
    """The file need not have the column at all; then it is empty."""


class RowRule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What rows of one kind become; the first rule whose conditions all hold counts."""

    when: tuple[Condition, ...] = ()
    kind: str | None = None
    """Of a settlement line: `capture`, `refund`, `chargeback` …"""
    type: str | None = None
    """Of a payments record: `payment.record`, `refund.record`, `dispute.opened` …"""
    ignore: str | None = None
    """The reason why such rows are left out."""
    fields: dict[str, str | Field] = {}
    """On top of the file's own."""


class Trailer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Control totals: of the rows before it, back to the last trailer; with `path`, of the whole document."""

    when: tuple[Condition, ...] = ()
    """How its row is known."""
    path: str | None = None
    """JSON: the object that holds the totals, in the document beside the list; fields are keys in it."""
    count: str | Field | None = None
    gross: str | Field | None = None
    fee: str | Field | None = None
    net: str | Field | None = None
    amount: str | Field | None = None
    """Of payments and bank lines, signed as the records' amounts are."""
    currency: str | Field | None = None
    """Not needed where the rows have only one."""
    required: bool = True
    ignored_rows: bool = True
    """Whether its figures include rows that a rule ignores."""
    group: str | Field | None = None
    """Its figures are of the rows that have the same text here, wherever they stand; trailers of one group
    add up. A group without one is left unchecked."""
    lenient: bool = False
    """A contradiction is said as a warning; the file is read nevertheless."""


class SourceFile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How to read the files of one source."""

    holds: Holds
    format: Format
    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    """Empty: quotes are plain characters."""
    escape: str = ""
    header: bool = True
    skip_rows: int = 0
    """Lines before the header."""
    comment: str = ""
    """Lines that begin with this are left out."""
    ragged: bool = False
    """Rows may have fewer cells than the header; the missing ones are empty."""
    path: str = ""
    """JSON: where the list is in the document, like `data.items`; empty: the document is the list."""
    time_zone: str = "UTC"
    """IANA name: of times without an offset, and of the day that a moment falls on."""
    dates: tuple[str, ...] = ("iso",)
    """Tried in order: `iso`, `epoch_seconds`, `epoch_milliseconds`, or directives like `%d/%m/%Y`."""
    numbers: Numbers = Numbers()
    fields: dict[str, str | Field] = {}
    """Field of the record -> its column, or more about it."""
    rows: tuple[RowRule, ...] = ()
    trailer: Trailer | None = None
    report: str = ""
    """Name of the PSP's report that this description began with (`app/formats/reports`)."""
    numbered: bool = False
    """Equal line ids of one file are told apart by a running number: for reports that give rows no id."""
    single: bool = False
    """JSON: a document without a list at `path` is a list of one."""
    layout: Literal["", "paypal", "dlocal"] = ""
    """CSV: how a PSP arranges sections, headers and totals of its own (`app/formats/<layout>_rows.py`)."""
    more_trailers: tuple[Trailer, ...] = ()
    """Control totals besides `trailer`, each checked by itself."""
    book_interim: bool = False
    """Bank statements: entries of reports of the day are lines too, though a statement may repeat them."""
