"""The demo has a list of lanes of its own; it must be the program's, or it would wait for ever."""

from __future__ import annotations

from app.demo.watch import LANES
from app.lane.catalogue import RULES


def test_the_demo_waits_for_all_lanes() -> None:
    assert sorted(LANES) == sorted(RULES)
