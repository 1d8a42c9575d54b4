"""Finds the description of a source: in a platform file, or in the configuration that the lanes have."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from app.contracts.platform_file import read_platform_file
from app.contracts.source_reports import with_report
from app.domain.configuration import SourceConfiguration
from app.domain.source_files import SourceFile
from app.errors import ConfigurationError
from app.store.platform import read_platform

SHOWN: Final = 20


def source_of_file(name: str, config: Path) -> SourceConfiguration:
    """From a platform file. Raises ConfigurationError naming the sources that are there."""
    return _found(name, read_platform_file(config, "ingest").sources, str(config))


def source_of_report(report: str) -> SourceConfiguration:
    """As if a source said only which report its files are. Raises ConfigurationError naming those known."""
    try:
        file = msgspec.convert(with_report({"report": report}), SourceFile)
    except LookupError as error:
        raise ConfigurationError(f"--report: {error.args[0]}") from None
    return SourceConfiguration(psp=report.partition(".")[0], file=file)


async def stored_source(name: str, pool: Any) -> SourceConfiguration:
    """From the configuration of the lanes. Raises ConfigurationError naming its sources, Transient."""
    platform = await read_platform(pool)
    if platform is None:
        raise ConfigurationError(
            "the platform is not configured yet: run `configure FILE` and a worker, or give --config FILE"
        )
    return _found(name, platform.sources, "the platform's configuration")


def _found(name: str, sources: Mapping[str, SourceConfiguration], place: str) -> SourceConfiguration:
    if name not in sources:
        raise ConfigurationError(f"{place} has no source {name!r}; {_known(sources)}")
    if sources[name].file is None:
        raise ConfigurationError(f"{place}: source {name!r} has no `file`: how its files are written")
    return sources[name]


def _known(sources: Mapping[str, SourceConfiguration]) -> str:
    readable = sorted(name for name, source in sources.items() if source.file is not None)
    others = sorted(set(sources) - set(readable))
    if not sources:
        return "it has none at all"
    shown = f"with files: {', '.join(readable[:SHOWN]) or 'none'}"
    return f"{shown}; without: {', '.join(others[:SHOWN])}" if others else shown
