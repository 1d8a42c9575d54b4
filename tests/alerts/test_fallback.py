"""A channel that refuses for good, by real workers: a dead letter, and the same message by another one."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from tests.alerts.planting import CHANNELS, plant
from tests.effects.workers import Workers
from tests.support.live import Live
from tests.support.mail_server import mail_serving
from tests.support.receiver import Received, receiving
from tests.support.waiting import eventually

pytestmark = [pytest.mark.stack, pytest.mark.slow]
SECONDS = 90.0
PLATFORM: dict[str, Any] = {"alerts": {"channels": CHANNELS, "rules": [{"channels": ["slack"]}]}}


async def gone(got: Received, request: web.Request) -> web.StreamResponse:
    return web.Response(status=404, text="no_service")


async def test_what_slack_refuses_comes_by_mail_and_operators_hear_of_slack(
    live: Live, workers: Workers
) -> None:
    live.configure(PLATFORM)
    async with receiving() as slack, mail_serving() as mail:
        slack.handler = gone
        workers.start(TALLYSTICK_ALERT_SLACK_URL=slack.url, **mail.environment())
        await plant(live, 1)
        await eventually(lambda: len(mail.taken) >= 2, SECONDS, "the alert and the word about Slack by mail")
        workers.stop()
    assert len(slack.received) == 1
    instead = next(one for one in mail.taken if "DUPLICATE_PAYMENT" in str(one["Subject"]))
    assert "slack did not take this alert: no_service" in instead.get_content()
    about = next(one for one in mail.taken if one is not instead)
    assert "deliveries or calls were given up alert:slack" in str(about["Subject"])
    dead = await live.pool.fetch("SELECT target, reason FROM effects WHERE status = 'dead'")
    assert [tuple(row) for row in dead] == [("alert:slack", "no_service")]
