"""What is written about the API and the metrics agrees with what is served."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from prometheus_client.parser import text_string_to_metric_families

from app.settings import ROOT
from tests.support.waiting import eventually
from tests.web import rows
from tests.web.conftest import Web
from web.call import Access, Endpoint, Raw
from web.docs import DOCUMENTS
from web.metrics import CATALOGUE, DETECTION, OF_THE_PROCESS
from web.problems import CODES, ProblemDocument
from web.routes import ENDPOINTS, RAW


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_committed_documents_are_current(name: str) -> None:
    assert (ROOT / "docs" / name).read_bytes() == DOCUMENTS[name](), "run `python -m app docs`"


async def test_the_document_served_is_the_committed_one_and_valid(web: Web) -> None:
    async with web.client.get("/openapi.json") as response:
        served = await response.read()
    assert served == (ROOT / "docs" / "openapi.json").read_bytes()
    OpenAPIV31SpecValidator(json.loads(served)).validate()


def test_every_url_of_the_api_is_described() -> None:
    paths = json.loads(DOCUMENTS["openapi.json"]())["paths"]
    routes: list[Endpoint | Raw] = [*ENDPOINTS, *(route for route in RAW if route.documented)]
    described = {(path, method.upper()) for path, methods in paths.items() for method in methods}
    assert described == {(route.path, route.method) for route in routes}
    for route in routes:
        operation = paths[route.path][route.method.lower()]
        assert bool(operation["security"]) == (route.access is not Access.OPEN), route.path


def test_what_is_not_described_is_for_browsers() -> None:
    assert {route.path for route in RAW if not route.documented} == {
        "/", "/checkout/{token}", "/checkout/{token}/return", "/checkout/{token}/status",
        "/live", "/mismatches", "/mismatches.csv", "/mismatches/live", "/mismatches/{id}",
        "/mismatches/{id}/actions", "/mismatches/actions", "/audit", "/ageing",
        "/alerts", "/bank-lines", "/bank-lines/{account}/{id}", "/batches", "/batches/{source}/{id}",
        "/payments/{id}", "/payouts/{id}", "/files", "/files/{sha256}", "/login", "/login/callback",
        "/login/start", "/logout",
        "/static/{name}", "/runs", "/runs/{id}", "/runs/{id}/report.csv", "/runs/{id}/report.json",
        "/runs/{id}/report.xlsx", "/schedules", "/trial-balance", "/trial-balance.csv", "/journal.csv",
    }  # fmt: skip


OF_LANES = frozenset(
    {"/v1/files/{sha256}", "/v1/alerts/{id}", "/v1/reconciliations/{id}", "/v1/schedules/{id}"}
    | {"/v1/batches/{source}/{id}", "/v1/bank-lines/{account}/{id}", "/v1/payments/{id}/way"}
)


async def test_answers_are_what_the_document_says(web: Web, viewer: dict[str, str]) -> None:
    """Every endpoint's real answer is as its schema says: `web.get` checks (`conforming.py`).

    Those in `OF_LANES` need what lanes write; the tests that write it read them in the same way.
    """
    await rows.positions(web.pool)
    await rows.worker(web.pool, "w-1", ["payments.commands:0"])
    await rows.verify_run(web.pool, ok=True)
    await rows.payment(web.pool, "m-1", "pay-1")
    await rows.payout(web.pool, "m-1", "po-1")
    await rows.refund_claim(web.pool, "m-1", "re-1", "pay-1")
    await rows.account(web.pool, "m_pend:m-1", 9500)
    await rows.capture_posted(web.pool, 1, "m-1", "pay-1")
    await rows.mismatch(web.pool, "a")
    await rows.webhook_endpoint(web.pool)
    await rows.delivery(web.pool, 1)
    await rows.event(web.pool, 1)
    for endpoint in (one for one in ENDPOINTS if one.method == "GET" and one.path not in OF_LANES):
        ids = {"/v1/payments/{id}": "pay-1", "/v1/payments/{id}/refunds": "pay-1", "/v1/mismatches/{id}": "a",
               "/v1/mismatches/{id}/audit": "a", "/v1/payouts/{id}": "po-1", "/v1/refunds/{id}": "re-1",
               "/v1/payments/{id}/events": "pay-1", "/v1/events/{id}": "pc.0.1.0"}  # fmt: skip
        is_hook = endpoint.path.startswith("/v1/webhook_endpoints")
        path = endpoint.path.format(id="we_1" if is_hook else ids.get(endpoint.path, "m-1"), event_id="ev-1")
        status, _ = await web.get(
            path + ("?merchant_id=m-1" if is_hook or "refunds/" in path else ""), viewer
        )
        assert status == 200, path


def test_the_problems_of_the_document_are_all_there_are() -> None:
    paths = json.loads(DOCUMENTS["openapi.json"]())["paths"]
    answers = [answer for path in paths.values() for method in path.values()
               for answer in method["responses"].values()]  # fmt: skip
    named = {code for answer in answers for code in re.findall(r"`(\w+)`:", answer["description"])}
    of_http = {"method_not_allowed"}
    assert named == set(CODES) - of_http
    assert msgspec.json.schema(ProblemDocument)


def test_every_problem_is_explained_to_people() -> None:
    rows_of_table = re.findall(
        r"^\| `(\w+)` \| (\d{3}) \|", (ROOT / "docs" / "http.md").read_text(), re.MULTILINE
    )
    assert {code: int(status) for code, status in rows_of_table} == {code: CODES[code][0] for code in CODES}


class TestMetrics:
    async def full(self, web: Web) -> None:
        """Rows that give every family at least one sample."""
        await rows.positions(web.pool)
        await rows.worker(web.pool, "w-1", ["payments.commands:0"], holes=3)
        await rows.executor(web.pool, "w-1")
        await rows.effect(web.pool, "ef-1")
        await rows.verify_run(web.pool, ok=True)
        await rows.mismatch(web.pool, "a")
        await web.pool.execute(
            """INSERT INTO dead_letters (topic, partition, "offset", reason, payload)
               VALUES ('t', 0, 3, 'r', 'x')"""
        )

    async def families(self, web: Web, headers: dict[str, str]) -> dict[str, Any]:
        async with web.client.get("/metrics", headers=headers) as response:
            assert response.status == 200
            assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
            text = await response.text()
        return {family.name: family for family in text_string_to_metric_families(text)}

    async def test_names_kinds_and_labels_are_those_of_the_document(
        self, web: Web, viewer: dict[str, str]
    ) -> None:
        await self.full(web)
        wanted = {metric.name: metric for metric in (*CATALOGUE, DETECTION, *OF_THE_PROCESS)}

        async def complete() -> Any:
            found = await self.families(web, viewer)
            return found if set(found) >= set(wanted) else None

        found: Any = await eventually(complete, 10, "every family of the catalogue")
        assert set(found) == set(wanted)
        documented = (ROOT / "docs" / "metrics.md").read_text()
        for name, family in found.items():
            metric = wanted[name]
            assert f"| `{name}{'_total' if metric.kind == 'counter' else ''}` |" in documented
            assert family.documentation == metric.help
            assert family.type == metric.kind, name
            for sample in family.samples:
                assert set(sample.labels) - {"le"} == set(metric.labels), name

    async def test_figures(self, web: Web, viewer: dict[str, str]) -> None:
        await self.full(web)
        web.ends.ends = {("payments.commands", 1): 130}

        async def lag() -> Any:
            families = await self.families(web, viewer)
            return families if "tallystick_position_lag" in families else None

        families: Any = await eventually(lag, 10, "the lag")

        def value(name: str, **labels: str) -> Any:
            return next(s.value for s in families[name].samples if labels.items() <= s.labels.items())

        assert value("tallystick_position_lag", topic="payments.commands", partition="1") == 30
        assert value("tallystick_position", topic="matching.commands", partition="0") == 100
        assert value("tallystick_holes", topic="payments.commands", partition="0") == 3
        assert value("tallystick_database_up") == 1
        assert value("tallystick_workers_alive") == 1

    async def test_the_routes_label_is_bounded(self, web: Web, viewer: dict[str, str]) -> None:
        for number in range(20):
            await web.get(f"/v1/payments/{number}", viewer)
            await web.get(f"/nothing/{number}")
        families = await self.families(web, viewer)
        routes = {sample.labels["route"] for sample in families["tallystick_http_requests"].samples}
        assert routes <= {"/v1/payments/{id}", "unmatched", "/metrics"}
