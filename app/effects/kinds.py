"""Which kind performs which work: the one place where a kind is added."""

from __future__ import annotations

from collections.abc import Mapping

from app.effects.kind import Kind
from app.settings import Settings


def open_kinds(settings: Settings) -> Mapping[type, Kind]:
    """Type of work -> its kind. To be called inside of the running event loop."""
    return {}
