"""Who may see what: keys, roles, merchants, and what needs no key at all."""

from __future__ import annotations

from base64 import b64encode

from aiohttp.test_utils import TestClient, TestServer

from app.store.web_keys import revoke_key
from tests.web import rows
from tests.web.conftest import SECRET, Web
from web.application import build
from web.call import STAFF_ROLES
from web.keys import KeyHasher, key_id_of, make_key

KEYED = (
    "/v1/status",
    "/v1/payments/pay-1",
    "/v1/merchants/m-1/balance",
    "/v1/ledger/transactions",
    "/v1/mismatches",
    "/v1/mismatches/x",
    "/v1/events",
    "/v1/events/x",
    "/v1/payments/pay-1/events",
    "/metrics",
)
OPEN = ("/healthz", "/readyz", "/openapi.json", "/")


NO_KEYS = (
    None,
    "",
    "Bearer",
    "Bearer ",
    "Bearer tally_000000000000_" + "0" * 64,
    "Bearer tally_' OR 1=1",
    "Bearer \u00fcml\u00e4ut",
    "Basic dXNlcjpwYXNz",
    "tally_x",
)


async def test_without_a_valid_key_nothing_is_said(web: Web) -> None:
    for path in KEYED:
        for header in NO_KEYS:
            headers = {} if header is None else {"Authorization": header}
            status, problem = await web.get(path, headers)
            assert (status, problem["code"]) == (401, "unauthorized"), (path, header)


async def test_what_needs_no_key(web: Web) -> None:
    for path in OPEN:
        async with web.client.get(path) as response:
            assert response.status == 200, path


async def test_a_key_of_another_secret_is_refused(web: Web) -> None:
    other = Web(
        web.client, web.pool, KeyHasher(["another secret, as long as it has to be"]), web.ends, web.tail
    )
    assert (await web.get("/v1/status", await other.key("admin")))[0] == 401


async def test_a_rotated_secret_still_verifies_old_keys() -> None:
    token = make_key().token
    old, both = KeyHasher([SECRET]), KeyHasher(["the new secret of this installation!", SECRET])
    assert both.verify(token, old.hash(token))
    assert not old.verify(token, both.hash(token))


async def test_revoking_takes_effect_with_the_next_request(web: Web, viewer: dict[str, str]) -> None:
    assert (await web.get("/v1/mismatches", viewer))[0] == 200
    key_id = key_id_of(viewer["Authorization"].removeprefix("Bearer "))
    assert key_id is not None
    assert await revoke_key(web.pool, key_id)
    assert (await web.get("/v1/mismatches", viewer))[0] == 401


async def test_every_role_of_staff_may_read(web: Web) -> None:
    for role in STAFF_ROLES:
        assert (await web.get("/v1/status", await web.key(role)))[0] == 200, role


async def test_machines_and_merchants_are_kept_from_what_is_not_theirs(
    web: Web, acme: dict[str, str]
) -> None:
    ingest = await web.key("ingest")
    for path in KEYED:
        status, problem = await web.get(path, ingest)
        assert (status, problem["code"]) == (403, "forbidden"), path
    for path in ("/v1/status", "/metrics"):
        assert (await web.get(path, acme))[0] == 403, path


async def test_a_merchant_sees_its_own_payment_and_no_sign_of_others(web: Web, acme: dict[str, str]) -> None:
    await rows.payment(web.pool, "m-1", "pay-1")
    await rows.payment(web.pool, "m-2", "pay-2")
    assert (await web.get("/v1/payments/pay-1", acme))[1]["merchant_id"] == "m-1"
    foreign = await web.get("/v1/payments/pay-2", acme)
    missing = await web.get("/v1/payments/pay-9", acme)
    named = await web.get("/v1/payments/pay-2?merchant_id=m-2", acme)
    for status, problem in (foreign, missing, named):
        assert (status, problem["code"]) == (404, "not_found")


async def test_a_merchant_with_a_common_payment_id_gets_its_own(web: Web, acme: dict[str, str]) -> None:
    await rows.payment(web.pool, "m-1", "pay-1", amount=111)
    await rows.payment(web.pool, "m-2", "pay-1", amount=999)
    status, payment = await web.get("/v1/payments/pay-1", acme)
    assert (status, payment["merchant_id"], payment["amount"]) == (200, "m-1", 111)


async def test_a_merchants_balance_is_nobody_elses(web: Web, acme: dict[str, str]) -> None:
    await rows.merchant(web.pool, "m-2")
    foreign, missing = (
        await web.get("/v1/merchants/m-2/balance", acme),
        await web.get("/v1/merchants/m-9/balance", acme),
    )
    assert foreign[0] == missing[0] == 404
    assert foreign[1]["code"] == missing[1]["code"]


async def test_a_merchants_ledger_leaves_out_what_is_the_platforms(web: Web, acme: dict[str, str]) -> None:
    await rows.capture_posted(web.pool, 1, "m-1", "pay-1")
    await rows.capture_posted(web.pool, 2, "m-2", "pay-2")
    _, page = await web.get("/v1/ledger/transactions", acme)
    assert [item["id"] for item in page["items"]] == ["pc.0.1.0"]
    assert [entry["account"] for entry in page["items"][0]["entries"]] == ["m_pend:m-1"]
    for path in ("/v1/ledger/transactions", "/v1/mismatches"):
        status, problem = await web.get(f"{path}?merchant_id=m-2", acme)
        assert (status, problem["code"]) == (403, "forbidden")


async def test_a_merchants_mismatches(web: Web, acme: dict[str, str], viewer: dict[str, str]) -> None:
    await rows.mismatch(web.pool, "mc.0.1.0", merchant_id="m-1")
    await rows.mismatch(web.pool, "mc.0.2.0", merchant_id="m-2")
    await rows.mismatch(web.pool, "mc.0.3.0", merchant_id=None)
    _, page = await web.get("/v1/mismatches", acme)
    assert [item["id"] for item in page["items"]] == ["mc.0.1.0"]
    for foreign in ("mc.0.2.0", "mc.0.3.0"):
        assert (await web.get(f"/v1/mismatches/{foreign}", acme))[0] == 404
    _, own = await web.get("/v1/mismatches/mc.0.1.0", acme)
    _, staffs = await web.get("/v1/mismatches/mc.0.1.0", viewer)
    assert "explanation" not in own
    assert "owner_key" not in own
    assert staffs["explanation"]["rule"] == "A1"


class TestPages:
    async def test_a_foreign_host_name_on_loopback_needs_a_key(self, web: Web) -> None:
        """DNS rebinding: a web site's own name that points to 127.0.0.1."""
        for path in ("/", "/live", "/mismatches", "/mismatches/live", "/mismatches.csv", "/mismatches/x"):
            async with web.client.get(path, headers={"Host": "evil.example:80"}) as response:
                assert response.status == 401, path
        for host in ("localhost:1", "127.0.0.1", "[::1]:8080"):
            async with web.client.get("/", headers={"Host": host}) as response:
                assert response.status == 200, host

    async def test_beyond_loopback_a_browser_is_asked_for_the_key(self, web: Web) -> None:
        app = build(web.pool, web.hasher, reader=None, pages_open=False)
        viewer, merchant = await web.key("viewer"), await web.key("merchant", "m-1")
        async with TestClient(TestServer(app)) as client:
            async with client.get("/") as response:
                assert response.status == 401
                assert response.headers["WWW-Authenticate"].startswith("Basic ")
            async with client.get("/", headers=basic(viewer)) as response:
                assert response.status == 200
            async with client.get("/", headers=viewer) as response:
                assert response.status == 200
            async with client.get("/", headers=basic(merchant)) as response:
                assert response.status == 403
            async with client.get("/v1/status", headers=basic(viewer)) as response:
                assert response.status == 401  # Basic is for pages only


def basic(headers: dict[str, str]) -> dict[str, str]:
    token = headers["Authorization"].removeprefix("Bearer ")
    return {"Authorization": "Basic " + b64encode(f"anyone:{token}".encode()).decode()}
