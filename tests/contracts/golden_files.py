"""Where the golden bytes of samples lie."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from app.contracts.asyncapi import record_types, tag
from app.contracts.topics import TOPICS
from tests.contracts.samples import EARLIER

GOLDEN: Final = Path(__file__).parent / "golden"


def golden_path(record: msgspec.Struct, *, minimal: bool) -> Path:
    """Below the first topic that carries the record: another topic may use the same tag for another type."""
    topic = next(topic for topic in TOPICS if topic.records and type(record) in record_types(topic))
    return GOLDEN / topic.name / f"{tag(type(record))}{'.minimal' if minimal else ''}.json"


def earlier_path(name: str) -> Path:
    """Where the bytes of an `EARLIER` sample lie."""
    return golden_path(EARLIER[name], minimal=False).parent / f"{name}.json"
