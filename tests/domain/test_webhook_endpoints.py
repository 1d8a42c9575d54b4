"""Webhook endpoints as a merchant sets them up: what is refused, what a rotation leaves, what is kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.domain.webhook_endpoints import MOST_KEPT, MOST_LIVE
from tests.support.domain import Books, record
from tests.support.endpoints import URL, create_endpoint, endpoint_record, endpoints_in
from tests.support.facts import MERCHANT

REFUSED_URLS = {
    "http://merchant.example/hooks": "webhook_https_required",
    "http://127.0.0.1.merchant.example/": "webhook_https_required",
    "https://user:secret@merchant.example/": "webhook_url_credentials",
    "https://merchant.example@evil.example/": "webhook_url_credentials",
    "https://merchant.example\\@evil.example/": "webhook_url_invalid",
    "https://merchant.example/a b": "webhook_url_invalid",
    "https://merchant.example/#part": "webhook_url_invalid",
    "https://merchänt.example/": "webhook_url_invalid",
    "https://merchant.example:99999/": "webhook_url_invalid",
    "https://:443/": "webhook_url_invalid",
    "https://[::1/": "webhook_url_invalid",
    "https://merchant.example/\x00": "webhook_url_invalid",
}


@pytest.mark.parametrize(("url", "code"), REFUSED_URLS.items())
def test_a_url_that_cannot_be_used_is_refused(url: str, code: str) -> None:
    books = Books()
    assert str(create_endpoint(books, url=url)) == f"refused:{code}"
    create_endpoint(books)
    assert str(books.send(endpoint_record("update", url=url))) == f"refused:{code}"
    assert endpoints_in(books)["we_1"].url == URL


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/hooks", "http://localhost/", "http://[::1]:1/"])
def test_plain_http_is_taken_for_this_machine_only(url: str) -> None:
    assert str(create_endpoint(Books(), url=url)) == "applied"


def test_what_is_set_up_is_told_and_numbered_with_the_merchant() -> None:
    books = Books()
    create_endpoint(books, events=["payment.*", "refund.failed"])
    books.send(endpoint_record("update", url="https://merchant.example/new"))
    books.send(endpoint_record("rotate"))
    books.send(endpoint_record("disable", reason="no longer needed"))
    told = [(event.seq, event.__struct_config__.tag.partition(".")[2]) for event in books.events()]
    assert told == [(1, "created"), (2, "updated"), (3, "rotated"), (4, "disabled")]
    last = books.events("webhook_endpoint.disabled")[0]
    assert (last.endpoint_id, last.url, last.events) == (
        "we_1",
        "https://merchant.example/new",
        ("payment.*", "refund.failed"),
    )
    assert (last.generation, last.disabled, last.reason) == (2, True, "no longer needed")


@pytest.mark.parametrize("verb", ["update", "rotate", "disable"])
@pytest.mark.parametrize("is_known", [True, False])
def test_an_unknown_endpoint_is_refused(verb: str, is_known: bool) -> None:
    books = Books()
    if is_known:
        create_endpoint(books)
    assert str(books.send(endpoint_record(verb, "we_2"))) == "refused:webhook_endpoint_unknown"


def test_an_id_is_taken_once() -> None:
    books = Books()
    create_endpoint(books)
    again = create_endpoint(books, url="https://merchant.example/other")
    assert str(again) == "refused:webhook_endpoint_exists"
    assert books.events("request.refused")[0].code == "webhook_endpoint_exists"


@pytest.mark.parametrize("events", [["payments.*"], ["payment.capture"], ["*", "pay*"]])
def test_a_type_that_no_event_has_is_refused(events: list[str]) -> None:
    assert str(create_endpoint(Books(), events=events)) == "refused:webhook_event_unknown"


def test_a_rotation_leaves_the_secret_before_it_for_a_while() -> None:
    books = Books()
    create_endpoint(books)
    books.send(endpoint_record("rotate", overlap_seconds=3_600))
    endpoint = endpoints_in(books)["we_1"]
    assert (endpoint.generation, endpoint.previous_until) == (2, books.now + timedelta(hours=1))
    books.send(endpoint_record("rotate", overlap_seconds=0))
    endpoint = endpoints_in(books)["we_1"]
    assert (endpoint.generation, endpoint.previous_until) == (3, None)


def test_at_most_twenty_are_live() -> None:
    books = Books()
    for number in range(MOST_LIVE):
        assert str(create_endpoint(books, f"we_{number}")) == "applied"
    assert str(create_endpoint(books, "we_x")) == "refused:webhook_endpoint_limit"
    books.send(endpoint_record("disable", "we_0"))
    assert str(create_endpoint(books, "we_x")) == "applied"
    assert (
        str(books.send(endpoint_record("update", "we_0", enabled=True))) == "refused:webhook_endpoint_limit"
    )


def test_disabled_ones_are_kept_until_there_are_many() -> None:
    books = Books()
    for number in range(MOST_KEPT + 5):
        create_endpoint(books, f"we_{number}")
        books.send(endpoint_record("disable", f"we_{number}"))
    kept = endpoints_in(books)
    assert len(kept) == MOST_KEPT
    assert set(kept) == {f"we_{number}" for number in range(5, MOST_KEPT + 5)}


def test_a_new_configuration_of_the_merchant_keeps_its_endpoints() -> None:
    books = Books()
    create_endpoint(books)
    configure: dict[str, Any] = {"type": "merchant.configure", "id": "c", "merchant_id": MERCHANT}
    books.send(record(**configure, settlement_currency="EUR", name="Bakery"))
    assert list(endpoints_in(books)) == ["we_1"]
    assert next(row.name for ref, row in books.of_kind("merchant")) == "Bakery"


def test_switched_on_again() -> None:
    books = Books()
    create_endpoint(books)
    books.send(endpoint_record("disable", reason="410"))
    assert endpoints_in(books)["we_1"].disabled_because == "410"
    books.send(endpoint_record("update", enabled=True))
    endpoint = endpoints_in(books)["we_1"]
    assert (endpoint.disabled, endpoint.disabled_because) == (False, None)
