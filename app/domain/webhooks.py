"""The record of `psp.webhooks`: a PSP's request as it came, verified and not yet read."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from app.domain.fields import Id, Moment


class WebhookReceived(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="webhook.received",
    omit_defaults=True,
    gc=False,
):
    """What a PSP posted to `/webhooks/{psp}`. Personal data."""

    is_timer: ClassVar[bool] = False

    psp: Id
    headers: dict[str, str] = {}
    """Those that the PSP's adapter looks at, names in lower case."""
    body: str = ""
    body_base64: bytes | None = None
    """The body where it is not UTF-8; `body` is empty then."""
    received_at: Moment

    @property
    def raw(self) -> bytes:
        """The body's bytes as they were signed."""
        return self.body.encode() if self.body_base64 is None else self.body_base64


def received_body(raw: bytes) -> dict[str, Any]:
    """The fields of WebhookReceived that hold these bytes."""
    try:
        return {"body": raw.decode()}
    except UnicodeDecodeError:
        return {"body_base64": raw}
