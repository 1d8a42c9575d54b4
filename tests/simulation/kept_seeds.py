"""Seeds of schedules that once went wrong, kept as tests: (seed, records, faults, what it was).

A seed stands for a schedule only as long as the generator and the director draw the same numbers; each bug
therefore has a test of its own elsewhere as well, named here.
"""

from __future__ import annotations

from typing import Final

KEPT: Final[tuple[tuple[int, int, int, str], ...]] = ()
