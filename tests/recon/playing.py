"""Plays files of a data set through the program in memory: read by their sources, decided by all lanes.

Nothing of the authors' answers gets in: a source's description maps the columns it needs, and `scenario` is
none of them.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from app.contracts.platform_file import read_platform_file
from app.domain.commands import PlatformConfigure
from app.formats.reading import Reading, Row
from app.store.row_numbers import RowNumbers
from tests.support.all_lanes import AllLanes


def platform_of(text: str) -> PlatformConfigure:
    """The configuration that a TOML text describes, read as `configure` reads it."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "platform.toml"
        path.write_text(text, encoding="utf-8")
        return read_platform_file(path, "recon")


def read_rows(path: Path, name: str, platform: PlatformConfigure) -> list[Row]:
    """Every row of a file, as `ingest` reads it."""
    reading = Reading(path, name, platform.sources[name])
    reading.scan(lambda size: None)
    reading.survey()
    with RowNumbers() as numbers:
        return list(reading.read(numbers.next))


def records_of(folder: Path, files: Mapping[str, str], platform: PlatformConfigure) -> list[Any]:
    """What all rows of all files become; one that cannot be read is an error."""
    rows = [row for name, file in files.items() for row in read_rows(folder / file, name, platform)]
    assert [row.problem for row in rows if row.problem] == []
    return [row.record for row in rows if row.record is not None]


def played(platform: PlatformConfigure, records: list[Any], seed: int | None) -> AllLanes:
    """The lanes after all of it, windows closed; `seed` None: in the files' order."""
    facts = list(records)
    chance = random.Random(seed)
    if seed is not None:
        chance.shuffle(facts)
    lanes = AllLanes(2, chance)
    lanes.say(platform)
    lanes.run()
    lanes.settle_down(facts)
    return lanes


def paired_lines(lanes: AllLanes) -> list[str]:
    """Ids of the settlement lines that lie with an expectation."""
    items = lanes.values("item")
    return [held.record.id for item in items if item.expectation is not None for held in item.lines]
