"""The page of a bank's file: every statement with its balances, and whether they agree with its entries."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest

from app.formats.reading import Reading
from app.ingest.run import Run
from app.store.files import Figures, FileKey, begin_file, finish_file
from tests.support.statement_files import described
from tests.support.statement_writers import Booking, camt
from tests.web.conftest import Web

pytestmark = pytest.mark.stack
TWO = [Booking(123456, "PAYOUT B7", "R1"), Booking(-300, "fees", "R2")]


class Silent:
    """Whom nobody tells."""

    def stage(self, what: str, total: int, *, in_bytes: bool = False) -> None:
        pass

    def advance(self, count: int) -> None:
        pass


async def kept(pool: Any, folder: Path, written: bytes) -> str:
    """A file as a run keeps it, without sending its lines; its hash."""
    path = folder / "statement.xml"
    path.write_bytes(written)
    run = Run(Reading(path, "bank-x", described("camt")), Silent())
    run.scan()
    assert run.survey() is None
    report = run.add_up()
    digest = hashlib.sha256(written)
    key = FileKey(digest.digest(), "bank-x")
    started = await begin_file(pool, key, path.name, len(written), b"")
    figures = Figures(rows=report.totals.rows, sent=0, ignored=0, quarantined=0, sums={})
    await finish_file(pool, key, started, "done", figures, report=report.stored())
    return digest.hexdigest()


async def page(web: Web, sha256: str) -> str:
    """Its words, without tags."""
    async with web.client.get(f"/files/{sha256}") as response:
        assert response.status == 200
        return " ".join(re.sub("<[^>]+>", " ", await response.text()).split())  # thin blanks as well


async def test_a_statement_and_its_balances(web: Web, tmp_path: Path) -> None:
    text = await page(web, await kept(web.pool, tmp_path, camt(TWO, opening=1000)))
    assert "S1 2 10.00 EUR 1 234.56 and −3.00 EUR 1 241.56 EUR agree" in text
    assert "Warning" not in text


async def test_a_contradiction_stays_visible(web: Web, tmp_path: Path) -> None:
    text = await page(web, await kept(web.pool, tmp_path, camt(TWO, opening=1000, closing=1)))
    assert "disagree 10.00 + 1,231.56 = 1,241.56, it closes with 0.01 EUR" in text
    assert "Warning statement S1 of account DE89370400440532013000: its balances and entries disagree" in text


async def test_a_currency_without_minor_units(web: Web, tmp_path: Path) -> None:
    """It can be no line, and there is still a page."""
    written = camt(TWO).replace(b'"EUR"', b'"XXX"')
    assert "it closes with 1,231.56 XXX" in await page(web, await kept(web.pool, tmp_path, written))
