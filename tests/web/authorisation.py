"""The table of who may call what (`authorisation.txt`), and the objects that merchants are kept apart by."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.web import rows
from web.call import Endpoint, Raw
from web.routes import ENDPOINTS, RAW

TABLE: Final = Path(__file__).with_name("authorisation.txt")
STAFF: Final = ("viewer", "analyst", "approver", "lead", "operator", "admin")
SETS: Final = {"staff": STAFF}
CALLERS: Final = frozenset({"anyone", *STAFF, "merchant", "ingest"})
Route = tuple[str, str]
"""(method, path)."""


def expected() -> dict[Route, frozenset[str]]:
    """Route -> the callers that are let in. Raises ValueError for a line that means nothing."""
    found: dict[Route, frozenset[str]] = {}
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        method, path, *names = line.split()
        callers = frozenset(one for name in names for one in SETS.get(name, (name,)))
        if not callers or callers - CALLERS or (method, path) in found:
            raise ValueError(f"{TABLE.name}: {line!r}")
        found[method, path] = callers
    return found


def routes() -> dict[Route, Endpoint | Raw]:
    return {(route.method, route.path): route for route in (*ENDPOINTS, *RAW)}


class Ids(NamedTuple):
    """What stands for the placeholders of a path: an object of the merchant that asks, and another's."""

    own: Mapping[str, str]
    foreign: Mapping[str, str]


def _ids(own: str, foreign: str, **more: tuple[str, str]) -> Ids:
    both = {"id": (own, foreign), **more}
    return Ids(*({name: pair[side] for name, pair in both.items()} for side in (0, 1)))


ENDPOINT: Final = _ids("we_1", "we_foreign", event_id=("ev-1", "ev-2"))
OBJECTS: Final[Mapping[str, Ids]] = {
    "/v1/payments/{id}": _ids("pay-own", "pay-foreign"),
    "/v1/payments/{id}/refunds": _ids("pay-own", "pay-foreign"),
    "/v1/payments/{id}/events": _ids("pay-own", "pay-foreign"),
    "/v1/refunds/{id}": _ids("re-1", "re-foreign"),
    "/v1/events/{id}": _ids("pc.0.1.0", "pc.0.2.0"),
    "/v1/payouts/{id}": _ids("po-own", "po-foreign"),
    "/v1/merchants/{id}/balance": _ids("m-1", "m-foreign"),
    "/v1/mismatches/{id}": _ids("mm-own", "mm-foreign"),
    "/v1/webhook_endpoints/{id}": ENDPOINT,
    "/v1/webhook_endpoints/{id}/deliveries": ENDPOINT,
    "/v1/webhook_endpoints/{id}/deliveries/{event_id}": ENDPOINT,
}
"""Every path with a placeholder that merchants may read."""


async def fill(pool: Any) -> None:
    """Those objects: of `m-1`, and of `m-foreign`."""
    await rows.webhook_endpoint(pool)
    state = await pool.fetchval("SELECT replace(state::text, 'we_1', 'we_foreign') FROM merchants")
    foreign = state.replace("m-1", "m-foreign")
    await pool.execute(
        "INSERT INTO merchants VALUES ('m-foreign', 'foreign', true, 'EUR', 0, $1, 0)", foreign
    )
    for number, (merchant_id, name) in enumerate((("m-1", "own"), ("m-foreign", "foreign")), 1):
        await rows.payment(pool, merchant_id, f"pay-{name}")
        await rows.payout(pool, merchant_id, f"po-{name}")
        await rows.mismatch(pool, f"mm-{name}", merchant_id=merchant_id, payment_id=f"pay-{name}")
        await rows.event(pool, number, merchant_id, f"pay-{name}")
        await rows.capture_posted(pool, number, merchant_id, f"pay-{name}")
        await rows.account(pool, f"m_avail:{merchant_id}", 100)
    await rows.refund_claim(pool, "m-1", "re-1", "pay-own")
    await rows.refund_claim(pool, "m-foreign", "re-foreign", "pay-foreign")
    await rows.delivery(pool, 1)
    await rows.delivery(pool, 2, target="webhook:m-foreign/we_foreign")
