"""What the API answers for rows that are there: figures, pages, cursors, waiting for a position."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any, ClassVar

from app.domain.payment import StatusFact
from app.domain.streams import PAYMENTS_COMMANDS
from tests.support.commits import disputed_payment
from tests.support.waiting import eventually
from tests.web import rows
from tests.web.conftest import Web
from web.application import ENDS


async def all_pages(web: Web, path: str, headers: dict[str, str]) -> list[list[str]]:
    """Ids of each page, following `next_cursor` to the end."""
    pages, cursor = [], ""
    while True:
        status, page = await web.get(f"{path}{cursor}", headers)
        assert status == 200
        assert page["has_more"] == (page["next_cursor"] is not None)
        pages.append([item["id"] for item in page["items"]])
        if not page["has_more"]:
            return pages
        cursor = f"&cursor={page['next_cursor']}"


async def test_a_payment(web: Web, viewer: dict[str, str]) -> None:
    await rows.payment(web.pool, "m-1", "pay-1")
    status, payment = await web.get("/v1/payments/pay-1", viewer)
    assert status == 200
    assert (payment["amount"], payment["refunded_amount"], payment["currency"]) == (12345, 500, "EUR")
    assert payment["flags"] == ["DUPLICATE_PAYMENT"]
    assert payment["order_ref"] == "o-1"
    assert [(capture["id"], capture["pending"]) for capture in payment["captures"]] == [("pay-1", 11457)]
    assert [(refund["id"], refund["amount"]) for refund in payment["refunds"]] == [("re-1", 500)]


async def test_a_payments_authorisation_and_disputes(web: Web, viewer: dict[str, str]) -> None:
    disputed = disputed_payment(60)
    fact = StatusFact(amount=13000, currency="EUR", psp="stripe", occurred_at=rows.NOON)
    more: dict[str, Any] = {"disputes": disputed.disputes, "facts": {"authorized": fact}}
    await rows.payment(web.pool, "m-1", "pay-1", **more)
    _, payment = await web.get("/v1/payments/pay-1", viewer)
    assert payment["authorized_amount"] == 13000
    assert payment["refunds"][0]["failed"] is False
    (dispute,) = payment["disputes"]
    assert (dispute["id"], dispute["status"], dispute["amount"], dispute["decided_at"]) == (
        "dp_1",
        "open",
        60,
        None,
    )


async def test_a_payment_id_with_a_slash_and_spaces(web: Web, viewer: dict[str, str]) -> None:
    await rows.payment(web.pool, "m-1", "2026/11 ü%")
    status, payment = await web.get("/v1/payments/2026%2F11%20%C3%BC%25", viewer)
    assert (status, payment["id"]) == (200, "2026/11 ü%")


async def test_staff_are_asked_which_of_two_payments(web: Web, viewer: dict[str, str]) -> None:
    await rows.payment(web.pool, "m-1", "pay-1")
    await rows.payment(web.pool, "m-2", "pay-1", currency="USD")
    status, problem = await web.get("/v1/payments/pay-1", viewer)
    assert (status, problem["code"], problem["merchant_ids"]) == (409, "ambiguous", ["m-1", "m-2"])
    status, payment = await web.get("/v1/payments/pay-1?merchant_id=m-2", viewer)
    assert (status, payment["currency"]) == (200, "USD")


async def test_a_balance_sums_the_accounts_of_a_merchant(web: Web, viewer: dict[str, str]) -> None:
    for name, amount in {
        "m_pend:m-1": 9500,
        "m_avail:m-1": -200,
        "m_avail:m-10": 77,
        "plat_fee": 500,
    }.items():
        await rows.account(web.pool, name, amount)
    await rows.account(web.pool, "m_avail:m-1", 5, partition=1)
    await rows.account(web.pool, "m_hold:m-1", 30, currency="JPY")
    _, balance = await web.get("/v1/merchants/m-1/balance", viewer)
    assert balance == {
        "merchant_id": "m-1",
        "balances": [
            {"currency": "EUR", "pending": 9500, "available": -195, "held": 0},
            {"currency": "JPY", "pending": 0, "available": 0, "held": 30},
        ],
    }


async def test_a_known_merchant_without_money_has_no_balances(web: Web, viewer: dict[str, str]) -> None:
    await rows.merchant(web.pool, "m-1")
    assert (await web.get("/v1/merchants/m-1/balance", viewer)) == (
        200,
        {"merchant_id": "m-1", "balances": []},
    )
    assert (await web.get("/v1/merchants/m-2/balance", viewer))[0] == 404


class TestMinPosition:
    PATH = "/v1/merchants/m-1/balance?min_position=payments.commands:0:"

    async def test_a_committed_position_answers_at_once(self, web: Web, viewer: dict[str, str]) -> None:
        await rows.positions(web.pool, next_offset=100)
        await rows.account(web.pool, "m_pend:m-1", 1)
        assert (await web.get(f"{self.PATH}99", viewer))[0] == 200

    async def test_waits_until_the_lane_has_committed(self, web: Web, viewer: dict[str, str]) -> None:
        await rows.positions(web.pool, next_offset=100)
        await rows.account(web.pool, "m_pend:m-1", 1)
        waiting = [asyncio.create_task(web.get(f"{self.PATH}100", viewer)) for _ in range(20)]
        waiter = positions_of(web)
        await eventually(lambda: len(waiter._waiters) == 20, 5, "twenty requests to wait")
        assert not any(task.done() for task in waiting)
        async with web.pool.acquire() as connection, connection.transaction():
            await connection.execute("UPDATE accounts SET balance = 2")
            await rows.move(connection, PAYMENTS_COMMANDS, 0, 101)
        answers = await asyncio.gather(*waiting)
        assert {(status, body["balances"][0]["pending"]) for status, body in answers} == {(200, 2)}

    async def test_one_query_serves_all_who_wait(self, web: Web, viewer: dict[str, str]) -> None:
        """The poller is one task; it ends when nobody waits."""
        await rows.positions(web.pool, next_offset=0)
        waiter = positions_of(web)
        waiter._wait_seconds = 0.3
        answers = await asyncio.gather(*[web.get(f"{self.PATH}5", viewer) for _ in range(10)])
        assert {status for status, _ in answers} == {409}
        await eventually(lambda: waiter._poller is not None and waiter._poller.done(), 2, "the poller to end")

    async def test_a_position_that_does_not_come_is_not_yet(self, web: Web, viewer: dict[str, str]) -> None:
        await rows.positions(web.pool, next_offset=100)
        began = asyncio.get_running_loop().time()
        status, problem = await web.get(f"{self.PATH}100", viewer)
        assert (status, problem["code"]) == (409, "not_yet")
        assert 1.9 < asyncio.get_running_loop().time() - began < 6

    async def test_every_read_of_the_lanes_state_may_wait(self, web: Web, viewer: dict[str, str]) -> None:
        await rows.positions(web.pool, next_offset=100)
        await rows.payment(web.pool, "m-1", "pay-1")
        await rows.mismatch(web.pool, "mc.0.1.0")
        positions_of(web)._wait_seconds = 0.2
        paths = ("/v1/payments/pay-1", "/v1/ledger/transactions", "/v1/mismatches", "/v1/mismatches/mc.0.1.0")
        for path in paths:
            assert (await web.get(f"{path}?min_position=matching.commands:1:99", viewer))[0] == 200, path
            assert (await web.get(f"{path}?min_position=matching.commands:1:100", viewer))[0] == 409, path


def positions_of(web: Web) -> Any:
    from web.deps import DEPS

    return web.client.app[DEPS].positions


class TestLedger:
    async def test_pages_hold_everything_once(self, web: Web, viewer: dict[str, str]) -> None:
        ids = [await rows.capture_posted(web.pool, number, "m-1", f"pay-{number}") for number in range(7)]
        pages = await all_pages(web, "/v1/ledger/transactions?limit=3", viewer)
        assert [len(page) for page in pages] == [3, 3, 1]
        assert [each for page in pages for each in page] == ids[::-1]

    async def test_what_is_booked_meanwhile_shifts_nothing(self, web: Web, viewer: dict[str, str]) -> None:
        ids = [await rows.capture_posted(web.pool, number, "m-1", "pay-1") for number in range(4)]
        _, first = await web.get("/v1/ledger/transactions?limit=2", viewer)
        await rows.capture_posted(web.pool, 99, "m-1", "pay-1")
        _, second = await web.get(f"/v1/ledger/transactions?limit=2&cursor={first['next_cursor']}", viewer)
        assert [item["id"] for item in first["items"] + second["items"]] == ids[::-1]

    async def test_entries_balance_and_name_their_source(self, web: Web, viewer: dict[str, str]) -> None:
        await rows.capture_posted(web.pool, 5, "m-1", "pay-1", amount=10000)
        _, page = await web.get("/v1/ledger/transactions", viewer)
        [transaction] = page["items"]
        signed = [e["amount"] if e["direction"] == "debit" else -e["amount"] for e in transaction["entries"]]
        assert sum(signed) == 0
        assert [entry["seq"] for entry in transaction["entries"]] == [1, 2, 3]
        assert (transaction["source_topic"], transaction["source_offset"]) == (PAYMENTS_COMMANDS, 5)

    FILTERS: ClassVar = [
        ("merchant_id=m-2", ["pc.0.2.0"]),
        ("payment_id=pay-1", ["pc.0.3.0", "pc.0.1.0"]),
        ("merchant_id=m-1&payment_id=pay-2", []),
        ("kind=capture", ["pc.0.3.0", "pc.0.2.0", "pc.0.1.0"]),
        ("kind=refund", []),
        ("since=2026-11-20T12:00:02Z", ["pc.0.3.0", "pc.0.2.0"]),
        ("before=2026-11-20T13:00:02%2B01:00", ["pc.0.1.0"]),
    ]

    async def test_filters(self, web: Web, viewer: dict[str, str]) -> None:
        for number, merchant_id, payment_id in (
            (1, "m-1", "pay-1"),
            (2, "m-2", "pay-2"),
            (3, "m-3", "pay-1"),
        ):
            await rows.capture_posted(web.pool, number, merchant_id, payment_id)
        for query, found in self.FILTERS:
            _, page = await web.get(f"/v1/ledger/transactions?{query}", viewer)
            assert [item["id"] for item in page["items"]] == found, query


class TestMismatches:
    async def test_pages_of_rows_with_the_same_time(self, web: Web, viewer: dict[str, str]) -> None:
        ids = [f"mc.0.{number}.0" for number in range(7)]
        for number, mismatch_id in enumerate(ids):
            await rows.mismatch(web.pool, mismatch_id, detected_at=rows.NOON + timedelta(seconds=number // 3))
        pages = await all_pages(web, "/v1/mismatches?limit=2", viewer)
        assert [len(page) for page in pages] == [2, 2, 2, 1]
        assert [each for page in pages for each in page] == ids[::-1]

    async def test_a_full_last_page_has_no_more(self, web: Web, viewer: dict[str, str]) -> None:
        for number in range(4):
            await rows.mismatch(web.pool, f"mc.0.{number}.0")
        assert [len(page) for page in await all_pages(web, "/v1/mismatches?limit=2", viewer)] == [2, 2]
        assert await all_pages(web, "/v1/mismatches?limit=2&psp=none", viewer) == [[]]

    FILTERS: ClassVar = [
        ("category=FEE_VARIANCE", ["b"]),
        ("severity=CRITICAL", ["c"]),
        ("status=resolved", ["b"]),
        ("open=true", ["c", "a"]),
        ("open=false", ["b"]),
        ("psp=adyen", ["c"]),
        ("merchant_id=m-2&open=true", ["c"]),
        ("payment_id=pay-1", ["b", "a"]),
        ("since=2026-11-20T12:00:01Z&before=2026-11-20T12:00:02Z", ["b"]),
    ]

    async def test_filters(self, web: Web, viewer: dict[str, str]) -> None:
        await rows.mismatch(web.pool, "a")
        await rows.mismatch(
            web.pool,
            "b",
            category="FEE_VARIANCE",
            status="resolved",
            detected_at=rows.NOON + timedelta(seconds=1),
        )
        await rows.mismatch(
            web.pool, "c", severity="CRITICAL", psp="adyen", merchant_id="m-2", payment_id="pay-2",
            status="assigned", detected_at=rows.NOON + timedelta(seconds=2),
        )  # fmt: skip
        for query, found in self.FILTERS:
            _, page = await web.get(f"/v1/mismatches?{query}", viewer)
            assert [item["id"] for item in page["items"]] == found, query

    async def test_the_difference_is_actual_minus_expected(self, web: Web, viewer: dict[str, str]) -> None:
        await rows.mismatch(web.pool, "a", expected_amount=12345, actual_amount=12000)
        await rows.mismatch(web.pool, "b", actual_amount=None)
        assert (await web.get("/v1/mismatches/a", viewer))[1]["difference"] == -345
        assert (await web.get("/v1/mismatches/b", viewer))[1]["difference"] is None


class TestStatus:
    async def test_lanes_workers_and_books(self, web: Web, viewer: dict[str, str]) -> None:
        await rows.positions(web.pool, next_offset=100)
        await rows.worker(web.pool, "w-1", ["payments.commands:0"], holes=2, moved=1, stale=3)
        await rows.worker(web.pool, "w-2", ["payments.commands:0"], silent_seconds=60, holes=1)
        await rows.account(web.pool, "psp_recv:stripe", 500)
        await rows.account(web.pool, "psp_recv:adyen", 250)
        await rows.account(web.pool, "plat_fee", 750)
        await rows.capture_posted(web.pool, 1, "m-1", "pay-1")
        await rows.mismatch(web.pool, "a")
        await rows.verify_run(web.pool, ok=False)
        await web.pool.execute(
            """UPDATE positions SET halted_at = now(), halted_reason = 'fail-stop'
                WHERE topic = 'matching.commands' AND partition = 1"""
        )
        status, answer = await fresh_status(web, viewer)
        assert status == 200
        lanes = {(lane["topic"], lane["partition"]): lane for lane in answer["partitions"]}
        assert len(lanes) == 6
        lane = lanes["payments.commands", 0]
        assert (lane["position"], lane["holes"], lane["conflicts"], lane["worker_id"]) == (100, 3, 4, "w-1")
        assert lanes["matching.commands", 1]["halted"] == "fail-stop"
        assert lane["halted"] is None
        assert [(worker["worker_id"], worker["alive"]) for worker in answer["workers"]] == [
            ("w-1", True),
            ("w-2", False),
        ]
        assert answer["last_verify"]["ok"] is False
        assert answer["ledger"] == {"transactions": 1, "entries": 3, "payments": 0}
        assert answer["mismatches"] == [
            {"category": "AMOUNT_UNDER", "severity": "LOW", "status": "open", "count": 1}
        ]
        balances = [(row["kind"], row["accounts"], row["balance"]) for row in answer["balances"]]
        assert balances == [("plat_fee", 1, 750), ("psp_recv", 2, 750)]

    async def test_lag_comes_from_kafka_and_goes_with_it(self, web: Web, viewer: dict[str, str]) -> None:
        await rows.positions(web.pool, next_offset=100, topics=[PAYMENTS_COMMANDS])
        web.ends.ends = {(PAYMENTS_COMMANDS, 0): 175, (PAYMENTS_COMMANDS, 1): 90}

        async def lags() -> Any:
            _, answer = await web.get("/v1/status", viewer)
            return [lane["lag"] for lane in answer["partitions"]] if answer["kafka"]["reachable"] else None

        assert await eventually(lags, 10, "end offsets") == [75, 0]
        web.ends.failing = True
        ends = web.client.app[ENDS]
        ends._read_at -= 60  # as if the last answer were a minute old

        _, answer = await fresh_status(web, viewer)
        assert [lane["lag"] for lane in answer["partitions"]] == [None, None]
        assert answer["kafka"]["reachable"] is False
        assert answer["kafka"]["age_seconds"] >= 60

    async def test_rates_follow_the_positions(self, web: Web, viewer: dict[str, str]) -> None:
        await rows.positions(web.pool, next_offset=0, partitions=1, topics=[PAYMENTS_COMMANDS])
        await fresh_status(web, viewer)
        await rows.move(web.pool, PAYMENTS_COMMANDS, 0, 5000)

        async def rate() -> Any:
            _, answer = await web.get("/v1/status", viewer)
            return (answer["partitions"][0]["records_per_second"] or 0) > 100

        assert await eventually(rate, 5, "a rate")

    async def test_backlogs_have_an_age(self, web: Web, viewer: dict[str, str]) -> None:
        await rows.positions(web.pool)
        await web.pool.execute(
            "INSERT INTO outbox VALUES ('payments.commands', 0, 7, 'x', now() - interval '40 seconds')"
        )
        await web.pool.execute(
            """INSERT INTO timers (topic, partition, key, kind, subject, due_at, record, version) VALUES
               ('payments.commands', 1, 'k', 'release', 'late', now() - interval '90 seconds', '{}', 1),
               ('payments.commands', 1, 'k', 'release', 'later', now() + interval '90 seconds', '{}', 1)"""
        )
        await web.pool.execute(
            """INSERT INTO dead_letters (topic, partition, "offset", reason, payload) VALUES
               ('payments.commands', 0, 3, 'not JSON', 'x')"""
        )
        _, answer = await fresh_status(web, viewer)
        assert answer["outbox"]["rows"] == 1
        assert 40 <= answer["outbox"]["oldest_age_seconds"] < 60
        assert answer["timers"]["rows"] == 1
        assert 90 <= answer["timers"]["oldest_age_seconds"] < 110
        assert answer["dead_letters"] == {"new": 1, "redriven": 0, "discarded": 0}


async def fresh_status(web: Web, headers: dict[str, str]) -> tuple[int, Any]:
    """A status of which every part was read after this call began."""
    began = await web.pool.fetchval("SELECT clock_timestamp()")

    async def read() -> Any:
        status, answer = await web.get("/v1/status", headers)
        oldest = min(datetime.fromisoformat(answer[name]) for name in ("as_of", "counted_at"))
        return (status, answer) if oldest > began else None

    answer = await eventually(read, 10, "a fresh status")
    assert isinstance(answer, tuple)
    return answer
