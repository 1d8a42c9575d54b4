"""What holds of every adapter, whatever its PSP: a new one needs a file in `tests/psp/samples/`."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.psp_facts import PspFact
from app.psp.adapter import EventIgnored, Unreadable, why_ignored
from app.psp.registry import adapters
from tests.psp.sample import own_samples
from tests.support.properties import THOROUGH

SAMPLES = own_samples()
NAMES = sorted(adapters())
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def test_the_psps() -> None:
    assert NAMES == ["adyen", "sandbox", "stripe"]


@pytest.mark.parametrize("name", NAMES)
class TestEvery:
    def test_parses_its_sample_into_its_own_facts(self, name: str) -> None:
        _, headers, body = SAMPLES[name].delivery
        found = adapters()[name].parse(headers, body)
        assert found
        for event_id, fact in found:
            assert event_id
            assert isinstance(fact, PspFact)
            assert fact.psp == name

    def test_says_why_it_ignores_what_it_ignores(self, name: str) -> None:
        ignored = adapters()[name].ignored
        assert ignored
        assert all(len(reason) > 10 for reason in ignored.values())

    def test_a_secret_that_is_none_is_refused_without_being_shown(self, name: str) -> None:
        for wrong in ("hunter2!", "\udce9whsec", "", "whsec_###"):
            if name == "stripe" and wrong == "whsec_###":
                continue
            with pytest.raises(ValueError, match=r"^(?!.*hunter2).*$"):
                adapters()[name].key(wrong)

    def test_headers_are_named_in_lower_case(self, name: str) -> None:
        assert all(header == header.lower() for header in adapters()[name].headers)

    @pytest.mark.parametrize(
        "body", [b"", b"null", b"[]", b"{}", b"\xff\xfe", b"{", b'"x"', b"1e999", b"[" * 100_000, b"{}{}"]
    )
    def test_garbage_neither_verifies_nor_parses(self, name: str, body: bytes) -> None:
        adapter, sample = adapters()[name], SAMPLES[name]
        headers = sample.delivery.headers
        assert not adapter.verify(headers, body, [adapter.key(sample.secret)], sample.now)
        with pytest.raises(Unreadable):
            adapter.parse(headers, body)


def odd_headers() -> st.SearchStrategy[dict[str, str]]:
    names = sorted({header for adapter in adapters().values() for header in adapter.headers})
    pieces = st.sampled_from(["t=", "v1=", "v1,", ",", " ", "=", "1795165200", "é", "\udcff", "abcd"])
    return st.dictionaries(st.sampled_from(names), st.lists(pieces | st.text(max_size=4)).map("".join))


@THOROUGH
@given(st.sampled_from(NAMES), odd_headers(), st.binary(max_size=200))
def test_verify_says_no_and_never_raises(name: str, headers: dict[str, str], body: bytes) -> None:
    adapter = adapters()[name]
    assert adapter.verify(headers, body, [adapter.key(SAMPLES[name].secret)], SAMPLES[name].now) is False


@THOROUGH
@given(st.sampled_from(NAMES), st.data())
def test_parse_ends_in_facts_or_in_one_of_its_two_errors(name: str, data: st.DataObject) -> None:
    """A sample with one value, anywhere, replaced by another."""
    document = json.loads(SAMPLES[name].delivery.body)
    _replace(document, data)
    body = json.dumps(document).encode()
    ended = ""
    try:
        ended = str(adapters()[name].parse({}, body))
    except (Unreadable, EventIgnored) as error:
        ended = str(error)
    assert ended


def _replace(document: Any, data: st.DataObject) -> None:
    node = document
    while True:
        key = data.draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
        inside = node[key]
        if isinstance(inside, dict | list) and inside and data.draw(st.booleans()):
            node = inside
            continue
        node[key] = data.draw(JSON)
        return


def test_a_family_of_types_is_ignored_as_one() -> None:
    table = {"payout.*": "ours", "charge.updated": "nothing"}
    assert why_ignored(table, "payout.paid") == "ours"
    assert why_ignored(table, "payout.reconciliation.done") == "ours"
    assert why_ignored(table, "charge.updated") == "nothing"
    assert why_ignored(table, "payout") is None
    assert why_ignored(table, "charge.captured") is None
