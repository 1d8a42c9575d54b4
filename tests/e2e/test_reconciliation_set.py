"""A labelled reconciliation set end to end through `ingest`, labels hidden: what became of every row."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.support import recon_context_01 as recon
from tests.support.fixtures import shared_fixture
from tests.support.live import Live
from tests.support.recon_labels import as_text, labelled_rows, outcomes, surprises, table
from tests.support.recon_sources import FILES, write_platform

pytestmark = [pytest.mark.stack, pytest.mark.slow]

WINDOW_SECONDS = 3
"""How long a line waits for its payment; the other windows are over by the files' own dates."""


CONTRADICTIONS = {
    "the ledger has no such order": 20,
    "the settlement file has no such order": 20,
    "the row that is called a repeat was booked before the one that is not": 2,
}
"""Labels that the files themselves contradict, by what contradicts them."""


class Row(msgspec.Struct, frozen=True):
    category: str
    explanation: dict[str, Any]


async def open_mismatches(live: Live) -> list[Row]:
    rows = await live.pool.fetch(
        "SELECT category, explanation FROM mismatches WHERE status = 'open' AND leg = 'A'"
    )
    return [Row(row["category"], msgspec.json.decode(row["explanation"])) for row in rows]


async def paired_lines(live: Live) -> list[str]:
    """Ids of the lines that lie with an expectation."""
    states = await live.pool.fetch("SELECT state FROM items WHERE expected_gross IS NOT NULL AND lines > 0")
    items = [msgspec.json.decode(row["state"]) for row in states]
    return [line["record"]["id"] for item in items for line in item["lines"]]


def with_short_windows(path: Path) -> Path:
    text = path.read_text("utf-8")
    for source in ("acquirer-c01", "chargebacks-c01"):
        header = f'[sources.{source}]\npsp = "acquirer-c01"\n'
        assert header in text
        text = text.replace(header, f"{header}payment_window_seconds = {WINDOW_SECONDS}\n")
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("order", [list(FILES), list(reversed(FILES))], ids=["ledger first", "ledger last"])
async def test_every_label_of_the_card_acquirer_set(live: Live, tmp_path: Path, order: list[str]) -> None:
    folder = shared_fixture(*recon.FOLDER)
    live.run("configure", with_short_windows(write_platform(tmp_path)))
    await live.rest()  # the configuration counts once a worker has taken it
    for source in order:
        live.run("ingest", folder / FILES[source], "--source", source)
    await live.rest()
    rows = labelled_rows(folder)
    told = outcomes(await open_mismatches(live), await paired_lines(live))
    print(as_text(table(rows, told)))
    assert len(rows) == 3000
    otherwise = surprises(rows, told)
    assert [found for found in otherwise if not found[0]] == []
    assert Counter(why for why, *_ in otherwise) == CONTRADICTIONS
    live.run("verify")
