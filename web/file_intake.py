"""What a process needs to take files over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from app.ingest.jobs import Jobs


class Uploads(NamedTuple):
    """`folder`: where files lie until they are read."""

    jobs: Jobs
    folder: Path
    most_bytes: int
