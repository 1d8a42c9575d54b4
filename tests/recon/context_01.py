"""The card acquirer's set: ledger, settlement file and chargebacks; then again with the fees charged apart.

`fees`: the acquirer's fee statement is a settlement file of its own, whose lines have no gross. Then the
settlement file's own fee column must not be read as well. The statement says no currency, which no money can
do without: it is taken from the settlement file by order, as an operator's export would have it.
"""

from __future__ import annotations

import csv
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from tests.recon.playing import paired_lines, platform_of, played, records_of
from tests.recon.scoring import AMOUNT, PAIRED, Labelled, Scored
from tests.support.all_lanes import AllLanes
from tests.support.recon_labels import labelled_rows, outcomes
from tests.support.recon_sources import FILES, PLATFORM

FOLDER: Final = ("recon", "context-01-card-acquirer-settlement")
FEES: Final = "matcher__acquirer-fees.csv"
NO_CURRENCY: Final = "EUR"
"""Of a fee whose order is nowhere else: any will do, since nothing is compared with it."""

TRUTH: Final[Mapping[str, str]] = {
    "exact_order_and_authorization_match": PAIRED,
    "amount_tolerance_candidate": PAIRED,
    "settlement_lag_candidate": PAIRED,
    "fee_variance_candidate": "FEE_VARIANCE",
    "amount_mismatch_outside_tolerance": AMOUNT,
    "duplicate_settlement_candidate": "DUPLICATE_SETTLEMENT",
    "acquirer_only_settlement": "MISSING_PAYMENT",
    "ledger_sale_candidate": PAIRED,
    "ledger_only": "MISSING_SETTLEMENT",
    "ledger_chargeback": PAIRED,
    "chargeback_only_unmatched": "DISPUTE_UNMATCHED",
    "chargeback_links_to_original_order": PAIRED,
    "duplicate_chargeback_candidate": "DUPLICATE_SETTLEMENT",
    "fee_matches_settlement": PAIRED,
    "fee_only_unmatched": "MISSING_PAYMENT",
}

_AMOUNTS: Final = frozenset({"AMOUNT_OVER", "AMOUNT_UNDER"})
"""What they say is about the lines with a gross, not about the fee's."""
FEE_SOURCE: Final = """
[sources.fees-c01]
psp = "acquirer-c01"
[sources.fees-c01.file]
holds = "settlement"
format = "csv"
[sources.fees-c01.file.fields]
batch_id = "settlement_id"
line_id = "fee_id"
merchant_ref = "order_id"
currency = "currency"
gross = { const = "0" }
fee = "fee_amount"
booked_on = "charged_at"
"""


def main(folder: Path, seed: int | None = None) -> tuple[AllLanes, Scored]:
    """Ledger against settlement file and chargebacks."""
    platform = platform_of(PLATFORM)
    lanes = played(platform, records_of(folder, FILES, platform), seed)
    rows = [Labelled(row.name, row.label, row.order, _file_of(row.name)) for row in labelled_rows(folder)]
    told = _told(lanes)
    found = {row.name: told.get(row.name, PAIRED) for row in rows}
    return lanes, Scored(rows, found, TRUTH, _Why(rows, found).why)


def _told(lanes: AllLanes, without: frozenset[str] = frozenset()) -> dict[str, str]:
    """Line or expectation -> categories; one whose line tells is not named and counts as paired."""
    found = [one for one in lanes.open() if one.leg == "A" and one.category not in without]
    told = outcomes(found, paired_lines(lanes))
    return {name: PAIRED if outcome == "matched" else outcome for name, outcome in told.items()}


def _file_of(name: str) -> str:
    kind = name.partition("/")[0]
    files = {"acquirer-c01": "settlement", "chargebacks-c01": "chargebacks", "fees-c01": "fees"}
    return files.get(kind, "ledger")


class _Why:
    """What the files themselves say against a label."""

    def __init__(self, rows: Iterable[Labelled], told: Mapping[str, str]) -> None:
        self._told = told
        self._by_order: dict[str, list[Labelled]] = defaultdict(list)
        for row in rows:
            self._by_order[row.order].append(row)

    def why(self, row: Labelled, outcome: str) -> str:
        others = [other for other in self._by_order[row.order] if other is not row]
        sides = {other.name.partition("/")[0] for other in others}
        if outcome == "MISSING_PAYMENT" and "capture" not in sides:
            return "the ledger has no such order"
        if outcome == "MISSING_SETTLEMENT" and "acquirer-c01" not in sides:
            return "the settlement file has no such order"
        around = {outcome, *(self._told[other.name].removesuffix("+LATE") for other in others)}
        if around >= {PAIRED, "DUPLICATE_SETTLEMENT"}:
            return "the row that is called a repeat was booked before the one that is not"
        return ""


# --- the fee statement ----------------------------------------------------------------------------------


def fees(folder: Path, scratch: Path, seed: int | None = None) -> tuple[AllLanes, Scored]:
    """The ledger against settlements in gross and fees charged apart, by the fee statement's labels."""
    gross_only = PLATFORM.replace('fee = "fee_amount"\nnet = "net_amount"\n', "")
    assert gross_only != PLATFORM
    platform = platform_of(gross_only + FEE_SOURCE)
    records = records_of(folder, {name: FILES[name] for name in ("ledger-c01", "acquirer-c01")}, platform)
    statement = _with_currencies(folder, scratch / "fees.csv")
    records += records_of(statement.parent, {"fees-c01": statement.name}, platform)
    lanes = played(platform, records, seed)
    rows = list(_fee_rows(folder))
    told = _told(lanes, without=_AMOUNTS)
    found = {row.name: told.get(row.name, PAIRED) for row in rows}
    return lanes, Scored(rows, found, TRUTH, _FeeWhy(folder, rows).why)


def _fee_rows(folder: Path) -> Iterable[Labelled]:
    for row in _rows(folder / FEES):
        yield Labelled(f"fees-c01/{row['fee_id']}", row["scenario"], row["order_id"], "fees")


def _with_currencies(folder: Path, path: Path) -> Path:
    acquirer: list[dict[str, Any]] = json.loads((folder / FILES["acquirer-c01"]).read_text(encoding="utf-8"))
    currencies = {row["order_id"]: row["currency"] for row in acquirer}
    rows = [{**row, "currency": currencies.get(row["order_id"], NO_CURRENCY)} for row in _rows(folder / FEES)]
    names = [name for name in rows[0] if name != "scenario"]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


class _FeeWhy:
    def __init__(self, folder: Path, rows: Iterable[Labelled]) -> None:
        self._times = Counter(row.order for row in rows)
        ledger = _rows(folder / FILES["ledger-c01"])
        self._sales = {row["order_id"] for row in ledger if not row["amount"].startswith("-")}

    def why(self, row: Labelled, outcome: str) -> str:
        if row.order not in self._sales:
            return "the ledger has no such order"
        if self._times[row.order] > 1 and "FEE_VARIANCE" in outcome:
            return f"the order's fee was charged {self._times[row.order]} times for one sale"
        return ""


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
