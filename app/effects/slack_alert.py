"""The kind `alert.slack`: one message to a Slack incoming webhook.

Slack knows no idempotency key: the message's id stands in its last line, so that people see what is a repeat.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from app.domain.alert_delivery import AlertDelivery, SlackAlert
from app.effects.alert_access import AlertAccess
from app.effects.alert_http import open_alert_session, post
from app.effects.kind import Attempt, Outcome
from app.errors import ConfigurationError

LONGEST_HEADER: Final = 150
LONGEST_SECTION: Final = 3_000
MARKS: Final = {"closed": "✅", "digest": "📋", "test": "🔧"}
SEVERITIES: Final = {"CRITICAL": "🔴", "HIGH": "🟠", "MEDIUM": "🟡", "LOW": "⚪"}


class SlackAlerts:
    """`public_url`: where the web is reached; links lead there."""

    def __init__(self, access: AlertAccess, public_url: str) -> None:
        self._access = access
        self._public_url = public_url
        self._session = open_alert_session()

    async def perform(self, attempt: Attempt) -> Outcome:
        work = attempt.work
        if not isinstance(work, SlackAlert):
            raise TypeError(f"{type(work).__name__} is no alert for Slack")
        try:
            url = self._access.url(work.channel)
        except ConfigurationError as fault:
            return Outcome(outcome="failed", reason=str(fault))
        return await post(self._session, url, msgspec.json.encode(slack_body(work, self._public_url)))

    async def close(self) -> None:
        await self._session.close()


def slack_body(work: AlertDelivery, public_url: str) -> dict[str, Any]:
    """`text` is what notifications show, the blocks what the channel shows."""
    message = work.message
    mark = MARKS.get(message.what) or SEVERITIES[message.severity]
    title = f"{mark} {message.title}"
    footer = f"<{public_url}/alerts|alerts> · {message.message_id}"
    return {
        "text": escaped(title),
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": title[:LONGEST_HEADER], "emoji": True}},
            _section(body_text(work) or message.title),
            {"type": "context", "elements": [{"type": "mrkdwn", "text": footer}]},
        ],
    }


def _section(text: str) -> dict[str, Any]:
    shown = escaped(text)
    if len(shown) > LONGEST_SECTION:
        shown = escaped(text[: LONGEST_SECTION // 6]) + " …"  # an escaped character is at most five long
    return {"type": "section", "text": {"type": "mrkdwn", "text": shown}}


def body_text(work: AlertDelivery) -> str:
    """The message, and why it comes by this channel where another did not take it."""
    if not work.tried:
        return work.message.text
    note = f"{', '.join(work.tried)} did not take this alert: {work.because or 'no reason given'}"
    return f"{note}\n{work.message.text}"


def escaped(text: str) -> str:
    """What Slack reads as markup elsewhere: ids and reasons are others' words."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
