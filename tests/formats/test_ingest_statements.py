"""`ingest --dry-run` of bank statements: what it shows, what it warns of, how it ends; flat memory."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from app.__main__ import main
from app.contracts.source_file_checks import problems
from app.domain.source_files import SourceFile
from app.formats.reading import Reading
from tests.support.commands import CHECKOUT, app_command
from tests.support.statement_files import described
from tests.support.statement_writers import ACCOUNT, WRITERS, Booking, camt

TWO = [Booking(123456, "PAYOUT B7", "R1"), Booking(-300, "fees", "R2")]
MIB = 1024 * 1024
FLAT_MIB = 1.5
"""Most that 3,000 entries may take more than 300; held as rows they take over 2."""
FLAT_XML_MIB = 8
"""Most that 10,000 entries may take more than 10; their tree as a whole takes over 20."""


def configured(folder: Path, form: str, **more: Any) -> Path:
    path = folder / "platform.json"
    path.write_text(json.dumps({"sources": {"b": {"file": {"holds": "bank", "format": form, **more}}}}))
    return path


def ingest(folder: Path, form: str, written: bytes, *options: str) -> Result:
    path = folder / "statement"
    path.write_bytes(written)
    config = configured(folder, form)
    return CliRunner().invoke(
        main, ["ingest", str(path), "--source", "b", "--dry-run", "--config", str(config), *options]
    )


@pytest.mark.parametrize("form", list(WRITERS))
def test_the_summary_as_one_document(tmp_path: Path, form: str) -> None:
    done = ingest(tmp_path, form, WRITERS[form](TWO, opening=1000), "--json")
    found = json.loads(done.stdout)
    assert done.exit_code == 0
    assert (found["rows"], found["records"]) == (2, {"bank.line": 2})
    assert found["sums"] == {"EUR": {"credits": 123456, "debits": -300}}
    assert found["statements_count"] == 1
    (one,) = found["statements"]
    assert (one["account"], one["currency"], one["entries"], one["unread"]) == (ACCOUNT, "EUR", 2, 0)
    assert one["booked"] == {"EUR": {"entries": 2, "credits": 123456, "debits": -300}}
    assert one["closing"]["amount"] == 124156
    if form == "ofx":
        assert (one["opening"], one["agrees"], one["why"]) == (None, None, "it has no opening balance")
    else:
        assert (one["opening"]["amount"], one["opening"]["on"], one["agrees"]) == (1000, "2026-11-20", True)


def test_the_summary_as_text(tmp_path: Path) -> None:
    done = ingest(tmp_path, "camt", camt(TWO, opening=1000))
    assert (
        f"  statement S1 of account {ACCOUNT}: opening 10.00 EUR, 2 entries, EUR: credits 1,234.56, "
        "debits -3.00, closing 1,241.56 EUR, they agree\n"
    ) in done.stdout


def test_a_contradiction_is_said_and_the_lines_are_kept(tmp_path: Path) -> None:
    done = ingest(tmp_path, "camt", camt(TWO, opening=1000, closing=1), "--json")
    found = json.loads(done.stdout)
    assert (done.exit_code, found["records"], found["statements"][0]["agrees"]) == (
        0,
        {"bank.line": 2},
        False,
    )
    assert "its balances and entries disagree" in found["warnings"][0]


def test_pending_entries_are_shown_and_not_sent(tmp_path: Path) -> None:
    done = ingest(tmp_path, "camt", camt(TWO).replace(b">BOOK<", b">PDNG<"), "--json")
    found = json.loads(done.stdout)
    assert (found["records"], found["ignored"]) == ({}, {"pending: the bank has not booked it yet": 2})
    assert found["statements"][0]["not_booked"]["EUR"]["credits"] == 123456


@pytest.mark.parametrize("written", [b"", b"<Document/>", camt(TWO)[:-30], b"hello"])
def test_a_file_without_a_whole_statement_is_no_success(tmp_path: Path, written: bytes) -> None:
    done = ingest(tmp_path, "camt", written)
    assert done.exit_code == 1
    assert "statement" in done.output


def test_nothing_but_bad_entries_is_no_success(tmp_path: Path) -> None:
    assert (
        ingest(tmp_path, "camt", camt([TWO[0]], opening=5).replace(b">1234.56<", b">12..34<", 1)).exit_code
        == 1
    )


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ({"holds": "settlement"}, "format: camt holds bank lines"),
        ({"trailer": {"path": "x", "count": "y"}}, "trailer: a camt file brings its own totals"),
        ({"numbers": {"decimal": ","}}, "camt says itself how they are written"),
        ({"format": "csv", "book_interim": True}, "book_interim: only bank statements have interim reports"),
    ],
)
def test_what_a_description_may_not_say(file: dict[str, Any], words: str) -> None:
    found = list(problems(msgspec.convert({"holds": "bank", "format": "camt", **file}, SourceFile)))
    assert any(words in problem for problem in found), found


def test_an_unknown_column_names_the_known_ones(tmp_path: Path) -> None:
    path = tmp_path / "statement"
    path.write_bytes(camt(TWO))
    with pytest.raises(Exception, match=r"a bank statement has no 'text'; it has account, line_id"):
        Reading(path, "b", described("camt", fields={"remittance": "text"})).survey()


def peak(folder: Path, form: str, entries: int) -> float:
    """MiB that reading takes, all of it given up as it comes."""
    path = folder / f"{form}-{entries}"
    path.write_bytes(WRITERS[form](many(entries)))
    reading = Reading(path, "b", described(form))
    tracemalloc.start()
    try:
        reading.survey()
        assert sum(row.record is not None for row in reading.read(lambda digest: 1)) == entries
        return tracemalloc.get_traced_memory()[1] / MIB
    finally:
        tracemalloc.stop()


def many(entries: int) -> list[Booking]:
    return [Booking(n + 1, f"PAYOUT B{n}", f"R{n}") for n in range(entries)]


@pytest.mark.parametrize("form", ["mt940", "bai2", "ofx"])
def test_memory_stays_flat(tmp_path: Path, form: str) -> None:
    small, large = peak(tmp_path, form, 300), peak(tmp_path, form, 3_000)
    assert large - small < FLAT_MIB, f"{small:.1f} MiB, then {large:.1f}"


def peak_of_xml(folder: Path, entries: int) -> float:
    """MiB of a whole process: what the XML library holds is seen from outside only."""
    path, config = folder / f"{entries}.xml", configured(folder, "camt")
    path.write_bytes(camt(many(entries)))
    command = app_command("ingest", path, "--source", "b", "--dry-run", "--config", config)
    script = (
        "import resource, subprocess, sys\n"
        "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *command], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    return int(done.stdout) / (MIB if sys.platform == "darwin" else 1024)


def test_memory_of_xml_stays_flat(tmp_path: Path) -> None:
    small, large = peak_of_xml(tmp_path, 10), peak_of_xml(tmp_path, 10_000)
    assert large - small < FLAT_XML_MIB, f"{small:.0f} MiB, then {large:.0f}"
