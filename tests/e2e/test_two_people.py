"""A mismatch worked by two people over HTTP: proposed, approved, posted, audited; a forged entry is found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from app.domain.streams import PAYMENTS_COMMANDS, SETTLEMENTS_LINES
from app.errors import ConfigurationError
from app.store.verify import Report, verify
from tests.api.conftest import SECRETS, process
from tests.support.commands import run_app
from tests.support.live import Live
from tests.support.waiting import eventually, free_port, wait_for

NOW = datetime.now(UTC)
PLATFORM = {
    "psps": {"stripe": {"settlement_window_seconds": 1}},
    "sources": {"acq": {"psp": "stripe", "payment_window_seconds": 1}},
    "approval_limits": {"approver": 5_000},
}
MERCHANT = {
    "type": "merchant.configure", "id": "c0", "merchant_id": "m-1", "name": "Acme",
    "settlement_currency": "EUR",
}  # fmt: skip


def payment(number: int, amount: int) -> dict[str, Any]:
    return {
        "type": "payment.record", "id": f"c{number}", "merchant_id": "m-1", "payment_id": f"pay-{number}",
        "amount": amount, "currency": "EUR", "psp": "stripe", "psp_payment_id": f"pi_{number}",
        "occurred_at": (NOW - timedelta(days=1)).isoformat(),
    }  # fmt: skip


def line(number: int, gross: int) -> dict[str, Any]:
    return {
        "type": "settlement.line", "source": "acq", "psp": "stripe", "batch_id": "B1",
        "line_id": f"L{number}", "kind": "capture", "psp_payment_id": f"pi_{number}", "currency": "EUR",
        "gross": gross, "settle_currency": "EUR", "net": gross, "booked_on": NOW.date().isoformat(),
    }  # fmt: skip


class Person:
    """Somebody with a key; `do` asks and gives (status, document)."""

    def __init__(self, session: ClientSession, url: str, key: str) -> None:
        self._session, self._url, self._key = session, url, key
        self._asked = 0

    async def do(self, path: str, key: str | None = None, **body: Any) -> tuple[int, Any]:
        self._asked += 1
        headers = self._headers | {"Idempotency-Key": key or f"k-{self._asked}", "Prefer": "wait=10"}
        async with self._session.post(f"{self._url}{path}", json=body, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    async def see(self, path: str) -> Any:
        async with self._session.get(f"{self._url}{path}", headers=self._headers) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json(content_type=None)

    async def submit(self, path: str, **fields: str) -> tuple[int, str]:
        """A form of a page; (status, text) of what it leads to."""
        async with self._session.post(f"{self._url}{path}", data=fields, headers=self._headers) as answer:
            return answer.status, await answer.text()

    async def page(self, path: str) -> tuple[int, str]:
        async with self._session.get(f"{self._url}{path}", headers=self._headers) as answer:
            return answer.status, await answer.text()

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._key}"}


@contextmanager
def web(live: Live, folder: Path) -> Iterator[str]:
    port = free_port()
    url, log = f"http://127.0.0.1:{port}", folder / "web.log"
    with process(log, live.environment(**SECRETS, TALLYSTICK_WEB_PORT=str(port)), "web"):
        wait_for(lambda: url in log.read_text("utf-8"), 60, "the web process")
        yield url


def key_of(live: Live, role: str) -> str:
    made = run_app("keys", "create", "--role", role, env=live.environment(**SECRETS))
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


async def begin(live: Live) -> None:
    live.configure(PLATFORM)
    records = [MERCHANT, payment(1, 10_000), payment(2, 20_000), payment(3, 30_000), payment(4, 400)]
    await live.send(PAYMENTS_COMMANDS, [("m-1", record) for record in records])
    await live.send(SETTLEMENTS_LINES, [("acq/B1", line(1, 9_000)), ("acq/B1", line(2, 12_000))])
    await live.rest()


async def test_one_proposes_another_approves_and_the_chain_holds(live: Live, tmp_path: Path) -> None:
    await begin(live)
    with web(live, tmp_path) as url:
        async with ClientSession() as session:
            people = {
                role: Person(session, url, key_of(live, role)) for role in ("analyst", "approver", "lead")
            }
            mismatch = await _worked(live, people)
            await _over_the_limit(people)
            await _by_forms(people)
            await _in_bulk(people)
    await _verified(live, mismatch)


async def _worked(live: Live, people: dict[str, Person]) -> str:
    analyst, approver, lead = people["analyst"], people["approver"], people["lead"]
    (found,) = (await analyst.see("/v1/mismatches?category=AMOUNT_UNDER&payment_id=pay-1"))["items"]
    one = f"/v1/mismatches/{found['id']}"
    status, answer = await analyst.do(f"{one}/investigate", note="too early")
    assert (status, answer["refusal"]) == (409, "wrong_status")
    status, answer = await analyst.do(f"{one}/assign")
    assert (status, answer["status"]) == (200, "assigned"), answer
    assert (await analyst.do(f"{one}/investigate", note="asking the acquirer"))[0] == 200
    proposal = {"kind": "write_off", "reason_code": "rounding", "note": "not worth asking"}
    status, answer = await analyst.do(f"{one}/propose", key="the-proposal", **proposal)
    assert (status, answer["status"]) == (200, "pending_approval")
    assert [leg["amount"] for leg in answer["work"]["proposal"]["posting"]] == [1_000] * 4
    again = await analyst.do(f"{one}/propose", key="the-proposal", **proposal)
    assert (again[0], again[1]["seq"]) == (200, answer["seq"])
    assert (await analyst.do(f"{one}/approve"))[0] == 403
    before = await _balance(live, "write_off")
    status, answer = await approver.do(f"{one}/approve", proposal_id=answer["work"]["proposal"]["id"])
    assert (status, answer["status"]) == (200, "written_off"), answer
    assert (before, await _balance(live, "write_off")) == (0, 1_000)
    posted = answer["work"]["resolution"]["transaction_id"]
    ledger = await lead.see("/v1/ledger/transactions?payment_id=pay-1")
    assert posted in [transaction["id"] for transaction in ledger["items"]]
    chain = await approver.see(f"{one}/audit")
    assert [entry["action"] for entry in chain["items"]] == ["assign", "investigate", "propose", "approve"]
    assert chain["first_broken"] is None
    assert chain["items"][-1]["transaction_id"] == posted
    assert chain["items"][-1]["source_address"] == "127.0.0.1"
    return str(found["id"])


async def _over_the_limit(people: dict[str, Person]) -> None:
    analyst, approver, lead = people["analyst"], people["approver"], people["lead"]
    (found,) = (await analyst.see("/v1/mismatches?category=AMOUNT_UNDER&payment_id=pay-2"))["items"]
    one = f"/v1/mismatches/{found['id']}"
    await lead.do(f"{one}/assign")
    await lead.do(f"{one}/investigate", note="a large one")
    assert (await lead.do(f"{one}/propose", kind="adjust", reason_code="psp_error", note="n"))[0] == 200
    assert (await lead.do(f"{one}/approve"))[1]["refusal"] == "four_eyes"
    assert (await approver.do(f"{one}/approve"))[1]["refusal"] == "over_limit"
    assert (await approver.do(f"{one}/reject", note="ask the PSP"))[1]["status"] == "investigating"


async def _by_forms(people: dict[str, Person]) -> None:
    """The page's forms: a proposal takes the steps before it; what is refused stays on the page."""
    analyst, approver, lead = people["analyst"], people["approver"], people["lead"]
    (found,) = (await analyst.see("/v1/mismatches?category=MISSING_SETTLEMENT&payment_id=pay-3"))["items"]
    one = f"/mismatches/{found['id']}/actions"
    fields = {"kind": "adjust", "reason_code": "timing", "note": "They will pay\r\nlater"}
    status, text = await analyst.submit(one, key="f-1", action="propose", **fields)
    assert status == 200, text
    assert "Will be posted when it is approved" in text
    assert "suspense" in text
    status, text = await approver.submit(one, key="f-2", action="approve")
    assert (status, "limit of 5000" in text) == (409, True)
    status, text = await lead.submit(one, key="f-3", action="approve")
    assert (status, "Approved" in text) == (200, True)
    comment = {"action": "comment", "note": "n", "ids": found["id"]}
    status, text = await analyst.submit("/mismatches/actions", key="f-4", **comment)
    assert (status, text) == (200, '{"applied": 1, "refused": 0}')
    for page in ("/audit", "/ageing", "/mismatches"):
        assert (await analyst.page(page))[0] == 200, page


async def _in_bulk(people: dict[str, Person]) -> None:
    analyst = people["analyst"]
    items = (await analyst.see("/v1/mismatches?status=open"))["items"]
    ids = [item["id"] for item in items]
    assert ids
    status, answer = await analyst.do("/v1/mismatches/actions", action="assign", ids=[*ids, "mm_none"])
    assert (status, answer["applied"]) == (200, len(ids))
    assert answer["results"][-1]["outcome"] == "not_found"
    mine = (await analyst.see("/v1/mismatches?status=assigned"))["items"]
    assert {item["assignee"] for item in mine} == {mine[0]["assignee"]}
    latest = await analyst.see("/v1/audit?action=assign&limit=1")
    assert latest["has_more"] is True
    following = await analyst.see(f"/v1/audit?action=assign&limit=1&cursor={latest['next_cursor']}")
    assert following["items"][0]["mismatch_id"] != latest["items"][0]["mismatch_id"]
    ageing = await analyst.see("/v1/mismatches/ageing")
    assert sum(row["count"] for row in ageing["rows"]) == len(
        (await analyst.see("/v1/mismatches?open=true"))["items"]
    )


async def _balance(live: Live, account: str) -> int:
    found = await live.pool.fetchval("SELECT sum(balance) FROM accounts WHERE account = $1", account)
    return int(found or 0)


async def _verified(live: Live, mismatch: str) -> None:
    """All is well; then somebody who owns the database changes a note behind the guards' back."""
    report = await _verify(live)
    assert [check for check in report.checks if not check.ok] == []
    with pytest.raises(Exception, match="append-only"):
        await live.pool.execute("UPDATE audit SET version = version")
    with pytest.raises(Exception, match="append-only"):
        await live.pool.execute("DELETE FROM documents WHERE collection = 'audit'")
    with pytest.raises(Exception, match="append-only"):
        await live.pool.execute("TRUNCATE documents")
    async with live.pool.acquire() as connection, connection.transaction():
        await connection.execute("ALTER TABLE audit DISABLE TRIGGER USER")
        await connection.execute(
            """UPDATE audit SET state = replace(state::text, 'asking the acquirer', 'asked nobody')::json
                WHERE id = $1""",
            f"{mismatch}/000002",
        )
    (audit,) = [check for check in (await _verify(live)).checks if check.name == "audit"]
    assert audit.problems == [f"audit entry {mismatch}/000002 is not what its hash was made of"]


async def _verify(live: Live) -> Report:
    """The worker runs it by itself from time to time, and only one may."""

    async def run() -> Report | None:
        try:
            return await verify(live.database, full=True)
        except ConfigurationError:
            return None

    report = await eventually(run, 60, "the other verify")
    assert report is not None
    return report
