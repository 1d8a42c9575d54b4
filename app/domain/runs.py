"""Records of `reconciliation.commands`, keyed by run id or schedule id, and events of `reconciliation.runs`.

Matching never stops; a run is a look at a scope that is asked for, made outside of the decision by the
effects lane's executor, and kept as it was found.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from app.domain.command_base import Command
from app.domain.commands import PlatformConfigure
from app.domain.configuration import SettlementCalendar
from app.domain.event_base import Event
from app.domain.fields import Id, LongId, Moment, NonNegative
from app.domain.opening import PlatformBalanceOpened
from app.domain.periods import PeriodClose
from app.domain.run_scope import Figures, Reason, RunId, RunReport, RunScope
from app.domain.schedule_times import Covers, Timing
from app.domain.state import Ref

RunStatus = Literal["requested", "done", "failed"]
ScheduleName = Annotated[str, Meta(max_length=200)]


class RunRequest(Command, frozen=True, kw_only=True, tag="run.request"):
    """Look at this scope. What it says is all that the report depends on, besides the facts."""

    run_id: RunId
    scope: RunScope = RunScope()
    as_of: date | None = None
    """None: the day of the request in UTC."""
    known_at: Moment | None = None
    """None: when the report is made."""
    by: LongId
    """`key:{id}`, `person:{id}`, `schedule:{id}` or `command line`."""
    schedule_id: Id | None = None
    due_at: Moment | None = None
    merged: NonNegative = 0
    """Due times of its schedule before this one that were missed; this run covers their days as well."""


class RunFinished(Command, frozen=True, kw_only=True, tag="run.finished"):
    """What came of a run; `id` comes from the content, so that one made twice is known once."""

    run_id: RunId
    outcome: Literal["done", "failed"]
    report: RunReport | None = None
    reason: Reason | None = None


class SchedulePut(Command, frozen=True, kw_only=True, tag="schedule.put"):
    """Makes a schedule, or replaces it whole."""

    schedule_id: Id
    name: ScheduleName = ""
    scope: RunScope = RunScope()
    """Without days: `covers` says which."""
    timing: Timing = Timing()
    calendar: SettlementCalendar | None = None
    """Zone, cut-off, holidays. None: the source's, or its PSP's, as they are when a run is due."""
    covers: Covers = "day"
    enabled: bool = True
    by: LongId

    def __post_init__(self) -> None:
        if self.scope.first is not None or self.scope.last is not None:
            raise ValueError("scope: a schedule's days come from `covers`")


class ScheduleDelete(Command, frozen=True, kw_only=True, tag="schedule.delete"):
    """Its runs stay."""

    schedule_id: Id
    by: LongId


class ScheduleDue(Command, frozen=True, kw_only=True, tag="schedule.due"):
    """Timer: a run of a schedule is due."""

    is_timer: ClassVar[bool] = True

    schedule_id: Id
    due_at: Moment


ReconciliationLaneRecord = (
    PlatformConfigure
    | PeriodClose
    | RunRequest
    | RunFinished
    | SchedulePut
    | ScheduleDelete
    | ScheduleDue
    | PlatformBalanceOpened
)


class Run(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A run as the lane keeps it; its owner key is its id."""

    run_id: str
    scope: RunScope
    as_of: date
    known_at: Moment | None
    by: str
    schedule_id: str | None = None
    due_at: Moment | None = None
    merged: int = 0
    status: RunStatus = "requested"
    requested_at: Moment
    finished_at: Moment | None = None
    report: RunReport | None = None
    reason: str | None = None


class Schedule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A schedule as the lane keeps it; its owner key is its id."""

    schedule_id: str
    name: str = ""
    scope: RunScope
    timing: Timing
    calendar: SettlementCalendar | None = None
    effective: SettlementCalendar | None = None
    """The calendar that `next_at` was computed with."""
    covers: Covers
    enabled: bool = True
    next_at: Moment | None = None
    """None: it is not enabled, or never due again."""
    last_due_at: Moment | None = None
    last_run_id: str | None = None
    changed_at: Moment
    changed_by: str


class RunEvent(Event, frozen=True, kw_only=True):
    """`seq` counts the events of one run. `figures`: of its report, which the API has whole."""

    run_id: str
    scope: RunScope
    as_of: date
    by: str
    schedule_id: str | None = None
    occurred_at: Moment
    figures: Figures | None = None
    reason: str | None = None


class RunAsked(RunEvent, frozen=True, kw_only=True, tag="run.requested"):
    """A run was asked for, by a person or by its schedule."""


class RunDone(RunEvent, frozen=True, kw_only=True, tag="run.done"):
    """Its report is there."""


class RunFailed(RunEvent, frozen=True, kw_only=True, tag="run.failed"):
    """It could not be made; `reason` says why."""


RunsEvent = RunAsked | RunDone | RunFailed


def run_ref(run_id: str) -> Ref:
    return Ref("document", ("run", run_id, run_id))


def schedule_ref(schedule_id: str) -> Ref:
    return Ref("document", ("schedule", schedule_id, schedule_id))
