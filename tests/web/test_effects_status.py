"""What leaves the program, as status and metrics show it: open and given up, breakers, how PSPs are."""

from __future__ import annotations

from typing import Any

from tests.support.waiting import eventually
from tests.web import rows
from tests.web.conftest import Web


async def test_it_is_counted_by_where_it_goes(web: Web, viewer: dict[str, str]) -> None:
    await rows.worker(web.pool, "w-1", ["effects.requests:0"])
    await rows.worker(web.pool, "w-2", ["effects.requests:1"])
    await rows.executor(web.pool, "w-1")
    await rows.executor(web.pool, "w-2", breakers={})
    for number, status in enumerate(("ready", "waiting", "waiting", "dead", "done")):
        await rows.effect(web.pool, f"ef-{number}", f"psp:sandbox/{number % 4}", status)
    await rows.effect(web.pool, "ef-9", "webhook:m-1/we_1", "dead")

    async def counted() -> Any:
        _, status = await web.get("/v1/status", headers=viewer)
        return status["effects"] if status["effects"]["dead"] == 2 else None

    found = await eventually(counted, 10, "the counts of effects")
    assert {(group["target"], group["status"], group["count"]) for group in found["groups"]} == {
        ("psp:sandbox", "ready", 1),
        ("psp:sandbox", "waiting", 2),
        ("psp:sandbox", "dead", 1),
        ("webhook:m-1", "dead", 1),
    }
    assert (found["ready"], found["waiting"], found["running"]) == (1, 2, 6)
    assert 60 <= found["oldest_open_seconds"] < 600
    assert found["breakers"] == [{"target": "webhook:m-1/we_1", "state": "open", "worker_id": "w-1"}]
    (psp,) = found["psps"]
    assert psp["answers"]["done"] == 14
    assert (psp["psp"], psp["mean_seconds"], psp["failures_in_a_row"]) == ("sandbox", 0.2, 1)
    assert psp["last_failure"] == "unknown: no answer in 10 s"
