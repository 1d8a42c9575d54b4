"""The part of the status about what leaves the program: what is open or given up, breakers, how PSPs are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from app.store.web_figures import WorkerFigures
from web.schemas import BreakerStatus, EffectGroup, EffectsStatus, PspStatus
from web.snapshots import Snapshot

EXECUTOR: Final = "executor"
"""Its key among a worker's figures (`app/lane/heartbeat.py`)."""
STATUSES: Final = ("ready", "waiting", "dead")


def effects_status(snapshot: Snapshot, alive_seconds: float) -> EffectsStatus:
    counts = snapshot.books.effects
    workers = [worker for worker in snapshot.fast.workers if worker.silent_seconds <= alive_seconds]
    total = {status: sum(c.count for c in counts if c.status == status) for status in STATUSES}
    ages = [each.oldest_seconds for each in counts if each.status != "dead"]
    return EffectsStatus(
        **total,
        running=sum(_executor(worker).get("running", 0) for worker in workers),
        oldest_open_seconds=round(max(ages), 1) if ages else None,
        groups=[
            EffectGroup(each.group, each.status, each.count, round(each.oldest_seconds, 1)) for each in counts
        ],
        breakers=[
            BreakerStatus(target, state, worker.worker_id)
            for worker in workers
            for target, state in _executor(worker).get("breakers", {}).items()
        ],
        psps=_psps(workers),
    )


def _executor(worker: WorkerFigures) -> Mapping[str, Any]:
    return worker.figures.get(EXECUTOR, {})


def _psps(workers: Iterable[WorkerFigures]) -> list[PspStatus]:
    """Summed over living workers, each since it started."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for worker in workers:
        for psp, health in _executor(worker).get("psps", {}).items():
            found.setdefault(psp, []).append(health)
    return [_psp(psp, several) for psp, several in sorted(found.items())]


def _psp(psp: str, several: list[Mapping[str, Any]]) -> PspStatus:
    answers: Counter[str] = Counter()
    for health in several:
        answers.update(health["answers"])
    seconds, calls = sum(health["seconds"] for health in several), sum(answers.values())
    failures = [health["last_failure"] for health in several if health["last_failure"]]
    last = max(failures, key=lambda failure: str(failure["at"]), default=None)
    return PspStatus(
        psp=psp,
        answers=dict(answers),
        mean_seconds=round(seconds / calls, 3) if calls else None,
        failures_in_a_row=max(health["failures_in_a_row"] for health in several),
        last_failure_at=None if last is None else last["at"],
        last_failure=None if last is None else f"{last['kind']}: {last['reason']}",
    )
