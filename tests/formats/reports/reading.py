"""A file through a report's description, as `ingest --dry-run` reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from click.testing import CliRunner

from app.__main__ import main
from app.contracts.platform_file import read_platform_file
from app.domain.configuration import SourceConfiguration
from app.formats.reading import Reading, Row
from app.store.row_numbers import RowNumbers


class Found(NamedTuple):
    """What `ingest --dry-run --json` came to."""

    exit_code: int
    document: Mapping[str, Any]
    output: str

    @property
    def sums(self) -> dict[str, dict[str, int]]:
        """Without what is zero."""
        return {
            currency: {name: value for name, value in names.items() if value}
            for currency, names in self.document["sums"].items()
        }


def platform_with(folder: Path, report: str, **own: Any) -> Path:
    path = folder / "platform.json"
    document = {"psps": {"psp": {}}, "sources": {"s": {"psp": "psp", "file": {"report": report, **own}}}}
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def described(folder: Path, report: str, **own: Any) -> SourceConfiguration:
    return read_platform_file(platform_with(folder, report, **own), "p").sources["s"]


def dry_run(folder: Path, file: Path, report: str, **own: Any) -> Found:
    config = platform_with(folder, report, **own)
    arguments = ["ingest", str(file), "--source", "s", "--dry-run", "--json", "--config", str(config)]
    done = CliRunner().invoke(main, arguments)
    return Found(done.exit_code, json.loads(done.stdout) if done.stdout else {}, done.output)


def rows_of(folder: Path, text: str, report: str, **own: Any) -> tuple[list[Row], list[str]]:
    """Every row of a file with this text, and the warnings about it. Raises what reading raises."""
    path = folder / "report"
    path.write_text(text, encoding="utf-8")
    reading = Reading(path, "s", described(folder, report, **own))
    reading.scan(lambda size: None)
    _, warnings = reading.survey()
    with RowNumbers() as numbers:
        return list(reading.read(numbers.next)), warnings
