"""What INDEX.md says about the files of PSPs, and the same facts as our readers see them.

Its sentences have a handful of forms; each is taken apart here, so that tests compare figures, not words.
"""

from __future__ import annotations

import ast
import json
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from app.domain.source_files import Numbers, SourceFile
from app.formats.amounts import parser
from app.formats.csv_rows import CsvRows
from app.formats.json_rows import JsonRows
from app.formats.paypal_rows import PaypalRows
from tests.support.fixtures import SHARED_FIXTURES

CSV: Final = re.compile(
    r"(?P<rows>\d+) rows after the header, (?P<columns>\d+) columns, separator '(?P<delimiter>.)'"
    r"(?:; column sums (?P<sums>\{.*\}))?"
)
RECORDS: Final = re.compile(r"record types (?P<kinds>\{[^}]*\})")
SIGNED: Final = re.compile(
    r"signed gross in file units (?P<gross>\{[^}]*\}); signed fees (?P<fees>\{[^}]*\})"
)
LIST: Final = re.compile(r"(?:list|collection) of (?P<count>\d+)")
OBJECT: Final = re.compile(r"\S+ (?P<id>\S+): amount (?P<amount>\S+) (?P<currency>\S+)")
KEYS: Final = re.compile(r"object, keys (?P<keys>\[.*\])")
ANY: Final = Numbers(decimal=".")
SIDES: Final = {
    "gross": ("Transaction Debit or Credit", "Gross Transaction Amount", "Gross Transaction Currency"),
    "fees": ("Fee Debit or Credit", "Fee Amount", "Fee Currency"),
}
Facts = dict[str, Any]


def sentence(path: str) -> str:
    """The last cell of the file's row; `path` is below the folder of fixtures."""
    for line in (SHARED_FIXTURES / "INDEX.md").read_text(encoding="utf-8").splitlines():
        cells = line.split(" | ")
        if cells[0].removeprefix("| ") == path:
            return cells[-1].removesuffix(" |")
    raise LookupError(f"INDEX.md has no row of {path}")


def said(text: str) -> Facts:
    """The figures of a sentence."""
    if found := CSV.search(text):
        sums = ast.literal_eval(found["sums"]) if found["sums"] else {}
        return {
            "rows": int(found["rows"]),
            "columns": int(found["columns"]),
            "sums": {name: Decimal(value) for name, value in sums.items()},
        }
    if found := RECORDS.search(text):
        facts: Facts = {"kinds": ast.literal_eval(found["kinds"])}
        if signed := SIGNED.search(text):
            facts["gross"] = _without_zeros(ast.literal_eval(signed["gross"]))
            facts["fees"] = _without_zeros(ast.literal_eval(signed["fees"]))
        return facts
    if found := LIST.search(text):
        return {"count": int(found["count"])}
    if found := KEYS.search(text):
        return {"keys": set(ast.literal_eval(found["keys"]))}
    if found := OBJECT.search(text):
        return {"id": found["id"], "amount": found["amount"], "currency": found["currency"]}
    raise ValueError(f"no known form: {text}")


def seen(path: Path, text: str) -> Facts:
    """The same facts as `said(text)`, by our readers."""
    if found := CSV.search(text):
        return _of_csv(path, found["delimiter"], list(said(text)["sums"]))
    if RECORDS.search(text):
        facts: Facts = {"kinds": _kinds(path)}
        if SIGNED.search(text):
            facts |= _signed(path)
        return facts
    if LIST.search(text):
        document = json.loads(path.read_bytes())
        where = "" if isinstance(document, list) else "items"
        rows = JsonRows(path, SourceFile(holds="settlement", format="json", path=where))
        return {"count": sum(1 for _ in rows)}
    (row,) = JsonRows(path, SourceFile(holds="settlement", format="json", single=True, path="-"))
    if KEYS.search(text):
        return {"keys": set(said(text)["keys"]) & set(row.content)}
    return {name: str(row.content[name]) for name in ("id", "amount", "currency")}


def _of_csv(path: Path, delimiter: str, names: list[str]) -> Facts:
    rows = CsvRows(path, SourceFile(holds="settlement", format="csv", delimiter=delimiter, quote='"'))
    parse = parser(ANY)
    getters = {name: rows.getter(name) for name in names}
    sums, count = dict.fromkeys(names, Decimal(0)), 0
    for row in rows:
        count += 1
        for name, get in getters.items():
            text = get(row.content)
            sums[name] += (parse(text, name) or 0) if _is_number(text) else 0
    return {"rows": count, "columns": _columns(path, delimiter), "sums": sums}


def _columns(path: Path, delimiter: str) -> int:
    file = SourceFile(holds="settlement", format="csv", delimiter=delimiter, header=False)
    return len(next(iter(CsvRows(path, file))).content)


def _is_number(text: Any) -> bool:
    return bool(re.fullmatch(r"-?[0-9]*\.?[0-9]+", text or ""))


def _kinds(path: Path) -> dict[str, int]:
    rows = CsvRows(path, SourceFile(holds="settlement", format="csv", header=False))
    return dict(Counter(row.content[0] for row in rows))


def _signed(path: Path) -> Facts:
    """Of all rows, also those that are left out: in PayPal's own units."""
    rows = PaypalRows(path, SourceFile(holds="settlement", format="csv", layout="paypal"))
    facts = {}
    for name, columns in SIDES.items():
        side, amount, currency = (rows.getter(column, optional=True) for column in columns)
        sums = defaultdict[str, int](int)
        for row in rows:
            if value := amount(row.content):
                sums[currency(row.content)] += -int(value) if side(row.content) == "DR" else int(value)
        facts[name] = _without_zeros(sums)
    return facts


def _without_zeros(sums: Mapping[str, Any]) -> dict[str, int]:
    return {currency: int(value) for currency, value in sums.items() if int(value)}
