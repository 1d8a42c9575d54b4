"""The works that send alerts stay readable in the log of effects."""

from __future__ import annotations

import pytest

from app.contracts.codec import decode, encode
from app.domain.effects import EffectRequested, Work
from app.domain.streams import EFFECTS_REQUESTS
from tests.contracts.alert_samples import WORKS

KINDS = ("alert.slack", "alert.email", "alert.webhook", "alert.digest")


@pytest.mark.parametrize(("work", "kind"), zip(WORKS, KINDS, strict=True), ids=KINDS)
def test_works_are_read_as_they_were_written(work: Work, kind: str) -> None:
    request = EffectRequested(id="al.0.7.0", target="alert:x", work=work)
    written = encode(request)
    assert f'"kind":"{kind}"'.encode() in written
    assert decode(EFFECTS_REQUESTS, written) == request
