"""A Faust that is not the one this was built on is refused, with everything that differs."""

from __future__ import annotations

import faust
import faust.streams
import pytest
from faust.transport.drivers import aiokafka as driver

from app.handover import selfcheck
from app.handover.errors import HandoverError


def test_what_is_installed_fits() -> None:
    selfcheck.check_versions_and_names()


def test_another_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(selfcheck.VERSIONS, "faust-streaming", "0.16.0")
    with pytest.raises(HandoverError, match=r"faust-streaming is 0\.15\.3, expected 0\.16\.0"):
        selfcheck.check_versions_and_names()


def test_a_changed_signature_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def other(self: object, tp: object) -> None: ...

    monkeypatch.setattr(driver.Consumer, "_to_message", other)
    with pytest.raises(
        HandoverError, match=r"Consumer\._to_message takes \(self, tp\), expected \(self, tp, rec"
    ):
        selfcheck.check_versions_and_names()


def test_missing_names_are_refused_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(faust.App, "_new_transport")
    monkeypatch.setattr(faust.streams, "_CStreamIterator", None)
    with pytest.raises(HandoverError, match=r"App\._new_transport is gone; .*StreamIterator is not loaded"):
        selfcheck.check_versions_and_names()


def test_an_attribute_that_is_no_longer_used_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selfcheck, "ATTRIBUTES", [(faust.App, "__init__", "_not_there")])
    with pytest.raises(HandoverError, match="no longer uses _not_there"):
        selfcheck.check_versions_and_names()
