"""The real acquirer data set through `ingest --dry-run`: three sources, no code, every row, to the cent."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from app.__main__ import main
from tests.support import recon_context_01 as recon
from tests.support.fixtures import shared_fixture
from tests.support.recon_sources import FILES, write_platform


@pytest.fixture(scope="module")
def folder() -> Path:
    return shared_fixture(*recon.FOLDER)


def dry_run(folder: Path, tmp_path: Path, name: str) -> Any:
    arguments = ["--source", name, "--dry-run", "--json", "--config", str(write_platform(tmp_path))]
    done = CliRunner().invoke(main, ["ingest", str(folder / FILES[name]), *arguments])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def sums(pairs: list[tuple[str, int]]) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    for currency, value in pairs:
        found[currency] += value
    return dict(found)


def column(document: Any, name: str) -> dict[str, int]:
    return {currency: names[name] for currency, names in document["sums"].items() if name in names}


def test_the_ledger(folder: Path, tmp_path: Path) -> None:
    found = dry_run(folder, tmp_path, "ledger-c01")
    assert (found["rows"], found["quarantined"], found["ignored"]) == (1000, 0, {})
    assert found["records"] == {"payment.record": 940, "dispute.opened": 60}
    rows = [(row["currency"], recon.cents(row["amount"])) for row in recon.ledger_rows(folder)]
    assert column(found, "payment.record") == sums([row for row in rows if row[1] > 0])
    assert column(found, "dispute.opened") == sums([(c, -value) for c, value in rows if value < 0])
    total = sum(column(found, "payment.record").values()) - sum(column(found, "dispute.opened").values())
    assert total == 844_874_23


def test_the_settlement_file(folder: Path, tmp_path: Path) -> None:
    found = dry_run(folder, tmp_path, "acquirer-c01")
    rows = recon.settlement_lines(folder)
    assert (found["rows"], found["records"]) == (1000, {"settlement.line.capture": 1000})
    for name in ("gross", "fee", "net"):
        assert column(found, name) == sums([(row["currency"], row[name]) for row in rows])
    batches = {(each["batch_id"], each["currency"]): each["net"] for each in found["batches"]}
    assert batches == recon.net_by_batch(folder)


def test_the_chargebacks(folder: Path, tmp_path: Path) -> None:
    found = dry_run(folder, tmp_path, "chargebacks-c01")
    assert (found["rows"], found["records"]) == (1000, {"settlement.line.chargeback": 1000})
    assert sum(column(found, "gross").values()) == -484_795_29
    assert set(column(found, "fee").values()) == {0}
    assert column(found, "net") == column(found, "gross")
    assert all(len(each["batch_id"]) == 10 for each in found["batches"])
