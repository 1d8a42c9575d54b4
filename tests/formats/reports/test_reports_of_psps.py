"""Every file of a PSP beside the checkout: our figures are INDEX.md's, its rows become the right lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.formats.reports.expected import EXPECTED, Expected
from tests.formats.reports.index import said, seen, sentence
from tests.formats.reports.reading import Found, dry_run
from tests.support.fixtures import SHARED_FIXTURES, shared_fixture

EACH = pytest.mark.parametrize("expected", EXPECTED, ids=lambda one: one.file)


def result(tmp_path: Path, expected: Expected) -> Found:
    return dry_run(tmp_path, shared_fixture("psp", expected.file), expected.report, **expected.own)


def test_no_file_is_left_out() -> None:
    folder = shared_fixture("psp")
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert there == {expected.file for expected in EXPECTED}


@EACH
def test_our_figures_are_those_of_the_index(expected: Expected) -> None:
    path = shared_fixture("psp", expected.file)
    text = sentence(str(path.relative_to(SHARED_FIXTURES)))
    assert seen(path, text) == said(text)


@EACH
def test_its_rows_become_lines(tmp_path: Path, expected: Expected) -> None:
    found = result(tmp_path, expected)
    if expected.refused:
        assert found.exit_code == 1
        assert (found.document["records"], expected.refused in found.output) == ({}, True)
        return
    assert (found.exit_code, found.document["quarantined_rows"]) == (0, [])
    records = {name.removeprefix("settlement.line."): n for name, n in found.document["records"].items()}
    assert records == expected.records
    assert found.document["ignored"] == expected.ignored
    assert {currency: sums for currency, sums in found.sums.items() if sums} == {
        currency: sums for currency, sums in expected.sums.items() if sums
    }
