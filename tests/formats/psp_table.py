"""Prints, for every file of a PSP beside the checkout: what INDEX.md says | what we read.

python -m tests.formats.psp_table
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from app.formats.totals import major
from tests.formats.reports.expected import EXPECTED, Expected
from tests.formats.reports.index import said, seen, sentence
from tests.formats.reports.reading import Found, dry_run
from tests.support.fixtures import SHARED_FIXTURES

INDEX_CHARACTERS = 170


def main() -> int:
    """0 where every figure of ours is INDEX.md's."""
    if not SHARED_FIXTURES.exists():
        print("needs ../shared/fixtures beside the checkout, which is not there")
        return 1
    wrong = 0
    print("| file | INDEX says | our figures | what becomes of it |\n|---|---|---|---|")
    for expected in EXPECTED:
        path = SHARED_FIXTURES / "psp" / expected.file
        text = sentence(f"psp/{expected.file}")
        same = seen(path, text) == said(text)
        wrong += not same
        with tempfile.TemporaryDirectory() as folder:
            found = dry_run(Path(folder), path, expected.report, **expected.own)
        verdict = "the same" if same else f"OTHERS: {seen(path, text)}"
        print(f"| {expected.file} | {text[:INDEX_CHARACTERS]} | {verdict} | {told(expected, found)} |")
    print(f"\n{len(EXPECTED)} files, {wrong} differ")
    return 1 if wrong else 0


def told(expected: Expected, found: Found) -> str:
    document = found.document
    if found.exit_code:
        problems = [row["reason"] for row in document["quarantined_rows"]]
        return f"{expected.report}: refused: {document['reason'] or problems[0]}"
    kinds = [
        f"{count} {name.removeprefix('settlement.line.')}" for name, count in document["records"].items()
    ]
    ignored = [f"{count} ignored ({reason})" for reason, count in document["ignored"].items()]
    sums = [
        f"{currency} " + " ".join(f"{name} {major(value, currency)}" for name, value in names.items())
        for currency, names in found.sums.items()
        if names
    ]
    warned = [f"{len(document['warnings'])} warnings"] if document["warnings"] else []
    return f"{expected.report}: " + "; ".join([*kinds, *ignored, *sums, *warned])


if __name__ == "__main__":
    sys.exit(main())
