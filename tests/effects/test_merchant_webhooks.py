"""From a fact to the merchant's server, through real workers: what is sent and when, whatever is killed."""

from __future__ import annotations

from itertools import pairwise

import orjson
import pytest
from standardwebhooks import Webhook

from tests.effects.asking import PLATFORM
from tests.effects.receiver import Hit, Receiver
from tests.effects.telling import SECRETS, WITHIN_SECONDS, document, endpoint, tell
from tests.effects.workers import Workers
from tests.support.facts import MERCHANT, capture_fact, refund_fact
from tests.support.live import Live
from tests.support.waiting import eventually

pytestmark = [pytest.mark.stack, pytest.mark.slow]


def told(hits: list[Hit]) -> list[tuple[str, int]]:
    """(object, sequence) as the merchant saw them for the first time."""
    seen: dict[tuple[str, int], None] = {}
    for hit in hits:
        seen.setdefault((hit.headers["tallystick-object"], int(hit.headers["tallystick-sequence"])))
    return list(seen)


def is_in_order(hits: list[Hit]) -> bool:
    """Per object: no event is seen for the first time after a later one."""
    by_object: dict[str, list[int]] = {}
    for name, seq in told(hits):
        by_object.setdefault(name, []).append(seq)
    return all(one < two for seqs in by_object.values() for one, two in pairwise(seqs))


async def test_events_reach_the_merchant_signed_and_in_order_though_some_attempts_fail(
    live: Live, workers: Workers, receiver: Receiver
) -> None:
    live.configure(PLATFORM)
    receiver.answers["/hooks"] = [500, 200, 200, 503, 500, 200, 404, 200, 500, 500] + [200] * 1000
    workers.start()
    await tell(
        live, endpoint("create", "we_1", url=f"{receiver.url}/hooks", events=["payment.*", "refund.*"])
    )
    for number in range(8):
        payment = f"pay-{number}"
        await tell(
            live,
            document(capture_fact(payment, payment, 1_000, command_id=f"c{number}")),
            document(refund_fact(payment, f"r-{number}", 10, command_id=f"r{number}")),
            document(refund_fact(payment, f"s-{number}", 20, command_id=f"s{number}")),
        )
    hits = receiver.hits

    async def all_told() -> bool:
        done = [hit for hit in hits if "payment/" in hit.headers["tallystick-object"]]
        return len(told(done)) >= 24 and await undelivered(live) == 0

    await eventually(all_told, WITHIN_SECONDS, "every event of every payment")
    assert is_in_order(hits)
    assert len(hits) >= len(told(hits)) + 6  # the failures were repeated
    secret = SECRETS.secret(MERCHANT, "we_1", 1)
    for hit in hits:
        Webhook(secret).verify(hit.body, dict(hit.headers))
        assert orjson.loads(hit.body)["id"] == hit.webhook_id
    by_event: dict[tuple[str, int], set[tuple[str, str]]] = {}
    for hit in hits:
        key = (hit.headers["tallystick-object"], int(hit.headers["tallystick-sequence"]))
        by_event.setdefault(key, set()).add((hit.webhook_id, hit.body))
    assert all(len(versions) == 1 for versions in by_event.values())
    workers.stop()


async def undelivered(live: Live) -> int:
    count: int = await live.pool.fetchval("SELECT count(*) FROM effects WHERE status <> 'done'")
    return count


async def test_the_row_is_there_and_the_worker_dies_before_it_is_sent(
    live: Live, workers: Workers, receiver: Receiver
) -> None:
    """juspay/hyperswitch#3408, #9278: the row was never sent again; the body was what was true later."""
    live.configure(PLATFORM)
    receiver.answers = {"/hangs": [-1], "/fails": [500] * 1_000}
    workers.start()
    for name in ("hangs", "fails"):
        await tell(live, endpoint("create", name, url=f"{receiver.url}/{name}", events=["payment.captured"]))
    await tell(live, document(capture_fact("pay-1", "pay-1", 1_000, command_id="c1")))
    await eventually(
        lambda: receiver.at("/hangs") and receiver.at("/fails"), WITHIN_SECONDS, "a first attempt"
    )
    workers.kill()
    before = [receiver.at("/hangs")[0], receiver.at("/fails")[0]]
    await tell(live, document(refund_fact("pay-1", "r-1", 1_000, command_id="r1")))
    receiver.answers = {}
    workers.start("two")

    async def both_done() -> bool:
        rows = await live.pool.fetch("SELECT status FROM effects")
        return [row["status"] for row in rows] == ["done", "done"]

    await eventually(both_done, WITHIN_SECONDS, "both deliveries after the kill")
    refunded = await live.pool.fetchval("SELECT refunded_amount FROM payments WHERE id = 'pay-1'")
    after = [receiver.at("/hangs")[-1], receiver.at("/fails")[-1]]
    for first, last in zip(before, after, strict=True):
        assert first is not last
        assert (first.webhook_id, first.body) == (last.webhook_id, last.body)
        assert first.headers["webhook-signature"].startswith("v1,")
    assert refunded == 1_000
    assert "refund" not in after[0].body
    workers.stop("two")


async def test_an_endpoint_that_says_gone_is_disabled_and_sent_nothing_more(
    live: Live, workers: Workers, receiver: Receiver
) -> None:
    live.configure(PLATFORM)
    receiver.answers = {"/gone": [410]}
    workers.start()
    await tell(live, endpoint("create", "gone", url=f"{receiver.url}/gone", events=["payment.captured"]))
    await tell(live, document(capture_fact("pay-1", "pay-1", 1_000, command_id="c1")))

    async def is_disabled() -> bool:
        state = await live.pool.fetchval("SELECT state::text FROM merchants WHERE merchant_id = $1", MERCHANT)
        endpoints = orjson.loads(state or "{}").get("endpoints", [])
        return [one.get("disabled_because") for one in endpoints] == ["the endpoint answered 410 Gone"]

    await eventually(is_disabled, WITHIN_SECONDS, "the endpoint's end")
    await tell(live, document(capture_fact("pay-2", "pay-2", 1_000, command_id="c2")))
    await live.rest()
    assert len(receiver.hits) == 1
    assert await live.pool.fetchval("SELECT count(*) FROM effects") == 1
    workers.stop()
