"""Reports of PSPs that the program knows: descriptions of files shipped with it, which a source begins with.

A source names one (`report = "stripe.settlement"`) and says only what is its own: its fields replace the
report's one by one, its rules come before the report's. What is stored is the whole description, so that
another version of the program reads yesterday's file as yesterday.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).resolve().parents[1] / "formats" / "reports"
PARTS: Final = ("numbers", "fields", "trailer")
"""Tables of a description; what a source says in one of them is put on top of the report's."""


@cache
def report_names() -> tuple[str, ...]:
    return tuple(sorted(path.stem.replace("-", ".", 1) for path in FOLDER.glob("*.toml")))


def with_report(given: Mapping[str, Any]) -> dict[str, Any]:
    """A source's `file` on top of the report that it names, as it is where it names none.

    Raises LookupError with a sentence where there is no such report.
    """
    name = given.get("report")
    if not name:
        return dict(given)
    if name not in report_names():
        raise LookupError(f"there is no report {name!r}; known: {', '.join(report_names())}")
    description = _description(str(name))
    merged: dict[str, Any] = {**description, **given, "report": name}
    for part in PARTS:
        if isinstance(given.get(part), Mapping):
            merged[part] = {**description.get(part, {}), **given[part]}
    if isinstance(given.get("rows"), list):
        merged["rows"] = [*given["rows"], *description.get("rows", [])]
    return merged


@cache
def _description(name: str) -> Mapping[str, Any]:
    """One report may begin with another."""
    path = FOLDER / f"{name.replace('.', '-', 1)}.toml"
    return with_report(tomllib.loads(path.read_text(encoding="utf-8")))
