"""Seeds of schedules that once went wrong, kept as tests: (seed, records, faults, what it was).

A seed stands for a schedule only as long as the generator and the director draw the same numbers; each bug
therefore has a test of its own as well (`tests/lane/`), and is planted back where that is possible.
"""

from __future__ import annotations

from typing import Final

KEPT: Final[tuple[tuple[int, int, int, str], ...]] = (
    (1, 200, 3, "a poison record was asked for again, planted as poison_asked_again"),
    (2, 200, 3, "ids of a lost life were believed, planted as table_ahead_believed"),
    (7, 200, 3, "a lane stood ahead of a restored database, planted as restored_position_ignored"),
    (311, 200, 3, "a line's report of a dispute kept its fee beside the PSP's own word (disputes.txt)"),
)
