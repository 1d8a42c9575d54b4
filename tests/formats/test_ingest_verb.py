"""`ingest --dry-run`: what it says and how it ends, without any server; and that memory stays flat."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app.__main__ import main
from app.cli._ingest_progress import Telling
from tests.support.commands import CHECKOUT, app_command, environment, run_app
from tests.support.source_files import BANK_FIELDS, SETTLEMENT_FIELDS, line, written_as

HEAVY = "TALLYSTICK_HEAVY"
MIB = 1024 * 1024
FLAT_MIB = 48
"""Most that a larger file may add. One of 5 MiB held as rows would already take more than 100."""
NO_SERVERS = {
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
}


def platform(folder: Path, **files: Any) -> Path:
    path = folder / "platform.json"
    sources = {name: {"psp": "stripe", "file": file} for name, file in files.items()}
    path.write_text(json.dumps({"psps": {"stripe": {}}, "sources": sources}), encoding="utf-8")
    return path


def settlement(**more: Any) -> dict[str, Any]:
    return {"holds": "settlement", "format": "csv", "fields": SETTLEMENT_FIELDS, **more}


def ingest(folder: Path, text: bytes, *options: str, **more: Any) -> Result:
    path = folder / "a.csv"
    path.write_bytes(text)
    config = platform(folder, a=settlement(**more))
    return CliRunner().invoke(
        main, ["ingest", str(path), "--source", "a", "--dry-run", "--config", str(config), *options]
    )


def test_the_summary_as_text(tmp_path: Path) -> None:
    done = ingest(tmp_path, written_as("csv", [line(1), line(2, gross="-5.00"), line(3, gross="x")]))
    assert done.exit_code == 0
    assert done.stdout.splitlines()[0] == f"{tmp_path / 'a.csv'}: 3 rows of a, 2 would be sent"
    assert "  EUR  gross 95.00, fee 3.00, net 92.00" in done.stdout
    assert "  row 3 (line 4): gross: 'x' is no amount as this source writes them" in done.stdout


def test_the_summary_as_one_document(tmp_path: Path) -> None:
    done = ingest(tmp_path, written_as("csv", [line(1), line(2, day="x")]), "--json")
    found = json.loads(done.stdout)
    assert {name: found[name] for name in ("status", "rows", "sent", "quarantined")} == {
        "status": "dry_run", "rows": 2, "sent": 0, "quarantined": 1,
    }  # fmt: skip
    assert found["sums"] == {"EUR": {"gross": 10000, "fee": 150, "tax": 0, "reserve": 0, "net": 9850}}
    assert found["quarantined_rows"] == [
        {"row": 2, "line": 3, "reason": "'x' is no date as this source writes them (iso)"}
    ]
    assert found["batches"] == [
        {"batch_id": "B1", "currency": "EUR", "lines": 1, "gross": 10000, "fee": 150, "net": 9850}
    ]


TRAILER = {"when": [{"column": "batch", "equals": ["T"]}], "count": "id"}


@pytest.mark.parametrize(
    ("text", "more", "words", "code"),
    [
        (b"", {}, "is empty", 1),
        (b"a;b\n1;2\n", {}, "has no column 'batch'; its header is 'a;b'; is the delimiter ';'?", 1),
        (b"\xff\xfe\xfd", {}, "begins with the mark of UTF-16", 1),
        (b"[{]", {"format": "json"}, "is no JSON document", 1),
        (written_as("csv", [line(1, gross="x")]), {}, "0 would be sent", 1),
        (written_as("csv", [line(1)]) + b"T,2,,,,,\n", {"trailer": TRAILER}, "says 2 rows, there are 1", 1),
        (written_as("csv", [line(1)]) + b"T,1,,,,,\n", {"trailer": TRAILER}, "1 would be sent", 0),
    ],
)
def test_how_it_ends(tmp_path: Path, text: bytes, more: dict[str, Any], words: str, code: int) -> None:
    done = ingest(tmp_path, text, **more)
    assert (done.exit_code, words in done.output) == (code, True), done.output


def test_a_refused_file_as_a_document(tmp_path: Path) -> None:
    done = ingest(tmp_path, written_as("csv", [line(1)]) + b"T,2,,,,,\n", "--json", trailer=TRAILER)
    found = json.loads(done.stdout)
    assert (done.exit_code, found["status"], found["sent"]) == (1, "quarantined", 0)
    assert "says 2 rows, there are 1" in found["reason"]


def test_an_unknown_source_names_the_known_ones(tmp_path: Path) -> None:
    config = platform(tmp_path, a=settlement())
    done = CliRunner().invoke(main, ["ingest", "x", "--source", "b", "--dry-run", "--config", str(config)])
    assert (done.exit_code, "has no source 'b'; with files: a" in done.output) == (2, True)


def test_a_database_that_is_away_is_said(tmp_path: Path) -> None:
    done = run_app("ingest", "x", "--source", "a", "--dry-run", env=environment(**NO_SERVERS))
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("tallystick: ")


def a_bank_file(path: Path, megabytes: int) -> int:
    """Rows without ids, so that all of them are counted; returns how many there are."""
    size, rows = 0, 0
    with path.open("w", encoding="utf-8") as file:
        file.write("amount,currency,day,text\n")
        while size < megabytes * MIB:
            chunk = "".join(
                f"{n}.25,EUR,2026-11-21,remittance of {n} for it\n" for n in range(rows, rows + 5_000)
            )
            size += file.write(chunk)
            rows += 5_000
    return rows


def a_json_file(path: Path, megabytes: int) -> int:
    size, rows = 0, 0
    with path.open("w", encoding="utf-8") as file:
        file.write('{"lines": [')
        while size < megabytes * MIB:
            row = '{"amount": %d.25, "currency": "EUR", "day": "2026-11-21", "text": "remittance of %d"}'
            chunk = ", ".join(row % (n, n) for n in range(rows, rows + 5_000))
            size += file.write((", " if rows else "") + chunk)
            rows += 5_000
        file.write("]}")
    return rows


def peak_mib(folder: Path, path: Path, form: str) -> tuple[Any, float]:
    """The summary and the largest memory of the process."""
    fields = {name: how for name, how in BANK_FIELDS.items() if name != "line_id"}
    fields |= {"value_date": "day", "remittance": "text"}
    file = {
        "holds": "bank",
        "format": form,
        "fields": fields,
        **({"path": "lines"} if form == "json" else {}),
    }
    config = platform(folder, a=file)
    command = app_command("ingest", path, "--source", "a", "--dry-run", "--json", "--config", config)
    script = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run(sys.argv[1:], check=True)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *command], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    per_mib = MIB if sys.platform == "darwin" else 1024
    return json.loads(done.stdout), int(done.stderr.splitlines()[-1]) / per_mib


@pytest.mark.parametrize(("form", "make"), [("csv", a_bank_file), ("json", a_json_file)])
@pytest.mark.parametrize("megabytes", [5, pytest.param(200, marks=pytest.mark.slow)])
def test_memory_stays_flat(
    tmp_path: Path, form: str, make: Callable[[Path, int], int], megabytes: int
) -> None:
    if megabytes > 5 and not os.environ.get(HEAVY):
        pytest.skip(f"{HEAVY}=1 reads {megabytes} MiB")
    small, large = tmp_path / "small", tmp_path / "large"
    make(small, 1)
    rows = make(large, megabytes)
    _, before = peak_mib(tmp_path, small, form)
    found, peak = peak_mib(tmp_path, large, form)
    assert (found["rows"], found["quarantined"]) == (rows, 0)
    assert found["sums"]["EUR"] == {"credits": sum(range(rows)) * 100 + 25 * rows}
    assert peak - before < FLAT_MIB, f"{before:.0f} MiB before, {peak:.0f} MiB with {megabytes} MiB"


def test_ctrl_c_says_how_far_it_came(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever presses it after two rows: the bar has been told of the second one."""
    advance = Telling.advance

    def interrupted(telling: Telling, count: int) -> None:
        advance(telling, count)
        if count == 1 and telling._done == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(Telling, "advance", interrupted)
    done = ingest(tmp_path, written_as("csv", [line(1), line(2), line(3)]))
    assert done.exit_code == 130
    assert "interrupted: 2 of 3 rows were read" in done.stderr
    assert "running it again is safe" in done.stderr
