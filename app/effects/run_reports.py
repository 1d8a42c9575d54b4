"""The kind `reconciliation.report`: makes a run's report and hands it to the reconciliation lane.

Nothing leaves the program. The executor gives it what a report needs as well: one owner at a time, repeats
after a kill, an end in time.
"""

from __future__ import annotations

from typing import Any, Final

from app.contracts.codec import encode
from app.domain.effects import ReportRun
from app.domain.runs import RunFinished
from app.domain.streams import RECONCILIATION_COMMANDS
from app.effects.kind import Answer, Attempt, Outcome
from app.effects.reporting import with_content_id
from app.errors import Transient
from app.store.run_report import make_report

MOST_BYTES: Final = 900_000
"""Of the record; Kafka takes 1 MiB."""


class RunReports:
    def __init__(self, pool: Any) -> None:
        self._pool = pool

    async def perform(self, attempt: Attempt) -> Outcome:
        work = attempt.work
        if not isinstance(work, ReportRun):
            raise TypeError(f"{type(work).__name__} is no run")
        try:
            report = await make_report(self._pool, work.scope, work.as_of, work.known_at, work.run_id)
        except Transient as fault:
            return Outcome(outcome="retry", reason=str(fault))
        finished = RunFinished(id="-", run_id=work.run_id, outcome="done", report=report)
        if len(encode(finished)) > MOST_BYTES:
            finished = RunFinished(
                id="-", run_id=work.run_id, outcome="failed", reason="the report is too large for a record"
            )
        record = with_content_id(finished, attempt.effect_id)
        return Outcome(outcome="done", answers=(Answer(RECONCILIATION_COMMANDS, work.run_id, record),))

    async def close(self) -> None:
        """It holds nothing of its own."""
