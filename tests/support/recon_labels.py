"""What became of each labelled row of the card acquirer data set: label x category, and what was expected.

The label is the authors' answer (`scenario`); only this file reads it, the program never sees it.
"""

from __future__ import annotations

import csv
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

MATCHED: Final = "matched"

EXPECTED: Final[Mapping[str, frozenset[str]]] = {
    label: frozenset(categories)
    for label, categories in {
        "exact_order_and_authorization_match": [MATCHED, "LATE"],
        "amount_tolerance_candidate": [MATCHED, "LATE"],
        "settlement_lag_candidate": [MATCHED, "LATE"],
        "fee_variance_candidate": ["FEE_VARIANCE", "FEE_VARIANCE+LATE"],
        "amount_mismatch_outside_tolerance": [
            f"{amount}{fee}{late}"
            for amount in ("AMOUNT_OVER", "AMOUNT_UNDER")
            for fee in ("", "+FEE_VARIANCE")  # a fee of another gross is another fee
            for late in ("", "+LATE")
        ],
        "duplicate_settlement_candidate": ["DUPLICATE_SETTLEMENT"],
        "acquirer_only_settlement": ["MISSING_PAYMENT"],
        "ledger_sale_candidate": ["on the line"],
        "ledger_only": ["MISSING_SETTLEMENT"],
        "ledger_chargeback": ["on the line"],
        "chargeback_only_unmatched": ["DISPUTE_UNMATCHED"],
        "chargeback_links_to_original_order": [MATCHED, "LATE"],
        "duplicate_chargeback_candidate": ["DUPLICATE_SETTLEMENT"],
    }.items()
}


class Labelled(NamedTuple):
    """A row: its id in the program (a line's record id, or an expectation's `kind/order`) and its label."""

    name: str
    label: str
    order: str


def labelled_rows(folder: Path) -> list[Labelled]:
    acquirer = json.loads((folder / "matcher__acquirer-settlement.json").read_text("utf-8"))
    found = [_of_line(f"acquirer-c01/{row['acquirer_tx_id']}", row) for row in acquirer]
    chargebacks = _rows(folder / "matcher__chargebacks.csv")
    found += [_of_line(f"chargebacks-c01/{row['chargeback_id']}", row) for row in chargebacks]
    for row in _rows(folder / "matcher__ledger-midaz.csv"):
        kind = "chargeback" if row["amount"].startswith("-") else "capture"
        found.append(_of_line(f"{kind}/{row['order_id']}", row))
    return found


def _of_line(name: str, row: Mapping[str, str]) -> Labelled:
    return Labelled(name, row["scenario"], row["order_id"])


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def outcomes(mismatches: Iterable[Any], paired: Iterable[str]) -> dict[str, str]:
    """Name -> its categories joined by `+`, `matched`, or `on the line` where its line tells.

    `mismatches` have `category` and `explanation`; `paired` are names whose both sides met.
    """
    found: dict[str, set[str]] = defaultdict(set)
    for mismatch in mismatches:
        for name in _about(mismatch.explanation):
            found[name].add(mismatch.category)
    told = {name: "+".join(sorted(categories)) for name, categories in found.items()}
    for name in paired:
        told.setdefault(name, MATCHED)
    return told


def _about(explanation: dict[str, Any]) -> Iterable[str]:
    """The line a finding names; else the parts, else the lines, else the expectation alone."""
    inputs = explanation["inputs"]
    lines = [line["id"] for line in inputs["lines"]]
    named = [name for name in lines if name in explanation["subject_ids"]]
    if named or inputs["parts"] or lines:
        return named or inputs["parts"] or lines
    expectation = inputs["expectation"]
    return [f"{expectation['kind']}/{expectation['payment_id']}"] if expectation else []


def table(rows: Iterable[Labelled], told: Mapping[str, str]) -> dict[str, Counter[str]]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        counts[row.label][told.get(row.name, "on the line")] += 1
    return dict(counts)


def surprises(rows: Sequence[Labelled], told: Mapping[str, str]) -> list[tuple[str, str, str, str]]:
    """(why, label, name, outcome) of every row that came out otherwise than its label says."""
    return [
        (why_otherwise(row, rows, told), row.label, row.name, outcome)
        for row in rows
        if (outcome := told.get(row.name, "on the line")) not in EXPECTED[row.label]
    ]


def why_otherwise(row: Labelled, rows: Sequence[Labelled], told: Mapping[str, str]) -> str:
    """What in the files themselves makes a row's label impossible; empty where nothing does."""
    outcome = told.get(row.name, "on the line")
    others = [other for other in rows if other.order == row.order and other is not row]
    sides = {other.name.partition("/")[0] for other in others}
    if outcome == "MISSING_PAYMENT" and "capture" not in sides:
        return "the ledger has no such order"
    if outcome == "MISSING_SETTLEMENT" and "acquirer-c01" not in sides:
        return "the settlement file has no such order"
    outcomes_of_order = {told.get(other.name) for other in others}
    if {outcome, *outcomes_of_order} >= {MATCHED, "DUPLICATE_SETTLEMENT"}:
        return "the row that is called a repeat was booked before the one that is not"
    return ""


def as_text(counts: Mapping[str, Counter[str]]) -> str:
    return "\n".join(
        f"{label:38} {', '.join(f'{name} {count}' for name, count in sorted(found.items()))}"
        for label, found in sorted(counts.items())
    )
