"""The program on the tests' own stack, with workers that tests kill and start."""

from __future__ import annotations

from tests.effects.conftest import live, workers

__all__ = ["live", "workers"]
