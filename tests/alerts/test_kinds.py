"""Each sort of channel against a real server: what it is sent, and what its answers lead to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from aiohttp import web
from msgspec.structs import replace
from standardwebhooks import Webhook

from app.domain.alert_delivery import AlertDelivery, AnyAlert, EmailAlert, SlackAlert, WebhookAlert
from app.effects.alert_access import AlertAccess
from app.effects.email_alert import EmailAlerts
from app.effects.kind import Attempt, Kind, Outcome
from app.effects.slack_alert import SlackAlerts, slack_body
from app.effects.webhook_alert import WebhookAlerts
from tests.contracts.alert_samples import MESSAGE
from tests.support.mail_server import mail_serving
from tests.support.receiver import receiving

SECRET = "whsec_" + "c2VjcmV0LW9mLXRlc3RzLW9mLWFsZXJ0cw=="
PUBLIC = "https://tallystick.example"
AT = datetime(2026, 11, 20, 9, tzinfo=UTC)
SLACK = SlackAlert(channel="ops-slack", message=MESSAGE)
MAIL = EmailAlert(channel="finance-mail", message=MESSAGE, to=("finance@example.org", "cfo@example.org"))
HOOK = WebhookAlert(channel="pager", message=MESSAGE)


def attempt(work: AnyAlert) -> Attempt:
    return Attempt(
        effect_id=f"{work.message.message_id}/{work.channel}",
        target=f"alert:{work.channel}",
        object=work.message.alert_id,
        seq=work.message.number,
        number=1,
        work=work,
        requested_at=AT,
    )


@asynccontextmanager
async def opened(kind: Kind) -> AsyncIterator[Kind]:
    try:
        yield kind
    finally:
        await kind.close()


def environ(url: str) -> dict[str, str]:
    return {
        "TALLYSTICK_ALERT_OPS_SLACK_URL": url,
        "TALLYSTICK_ALERT_PAGER_URL": url,
        "TALLYSTICK_ALERT_PAGER_SECRET": SECRET,
    }


async def test_slack_is_sent_its_format_with_the_messages_id() -> None:
    async with receiving() as server, opened(SlackAlerts(AlertAccess(environ(server.url)), PUBLIC)) as kind:
        outcome = await kind.perform(attempt(SLACK))
    assert outcome.outcome == "done"
    (got,) = server.received
    sent = orjson.loads(got.body)
    assert sent["text"] == "🔴 CRITICAL: AMOUNT_UNDER at stripe, 10 open (more)"
    assert [block["type"] for block in sent["blocks"]] == ["header", "section", "context"]
    assert sent["blocks"][2]["elements"][0]["text"].endswith("al_1.2")


def test_slack_reads_no_markup_in_the_words_of_others_and_no_block_is_too_long() -> None:
    wild = replace(MESSAGE, title="<!channel> & <https://evil.example|here>" * 7, text="<&>" * 2_600)
    body = slack_body(SlackAlert(channel="ops-slack", message=wild), PUBLIC)
    assert "<" not in body["text"]
    section = body["blocks"][1]["text"]["text"]
    assert "<" not in section
    assert len(section) <= 3_000
    assert len(body["blocks"][0]["text"]["text"]) <= 150


async def test_a_webhook_is_signed_and_named_by_the_messages_id() -> None:
    async with receiving() as server, opened(WebhookAlerts(AlertAccess(environ(server.url)), PUBLIC)) as kind:
        for _ in range(2):
            assert (await kind.perform(attempt(HOOK))).outcome == "done"
    first, second = server.received
    assert first.headers["webhook-id"] == "al_1.2"
    assert first.body == second.body
    assert first.is_signed_with(SECRET)
    read = Webhook(SECRET).verify(first.body, first.headers)
    assert (read["type"], read["data"]["severity"], read["data"]["open"]) == ("alert.grown", "CRITICAL", 10)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (web.Response(status=500), ("retry", None)),
        (web.Response(status=429, headers={"Retry-After": "7"}), ("retry", 7.0)),
        (web.Response(status=404, text="no_service"), ("failed", None)),
        (web.Response(status=302, headers={"Location": "http://127.0.0.1/"}), ("failed", None)),
    ],
    ids=["500", "429", "404", "302"],
)
async def test_what_answers_of_a_server_lead_to(answer: web.Response, expected: tuple[str, Any]) -> None:
    async with receiving() as server, opened(SlackAlerts(AlertAccess(environ(server.url)), PUBLIC)) as kind:
        server.answers = [answer]
        outcome = await kind.perform(attempt(SLACK))
    assert (outcome.outcome, outcome.retry_after_seconds) == expected


async def test_nobody_listening_is_no_reason_to_give_up_and_the_address_is_not_said() -> None:
    access = AlertAccess(environ("http://127.0.0.1:1/T000/B000/very-secret"))
    async with opened(SlackAlerts(access, PUBLIC)) as kind:
        outcome = await kind.perform(attempt(SLACK))
    assert outcome.outcome == "retry"
    assert "secret" not in (outcome.reason or "")


@pytest.mark.parametrize(
    ("kind", "work", "names"),
    [
        (SlackAlerts, SLACK, "TALLYSTICK_ALERT_OPS_SLACK_URL"),
        (WebhookAlerts, HOOK, "TALLYSTICK_ALERT_PAGER_URL"),
        (EmailAlerts, MAIL, "TALLYSTICK_SMTP_HOST"),
    ],
)
async def test_a_channel_that_is_not_set_up_says_which_variable(
    kind: Any, work: AnyAlert, names: str
) -> None:
    async with opened(kind(AlertAccess({}), PUBLIC)) as made:
        outcome = await made.perform(attempt(work))
    assert outcome.outcome == "failed"
    assert names in (outcome.reason or "")


async def by_mail(work: EmailAlert, **server_has: Any) -> tuple[Outcome, Any]:
    async with mail_serving() as server:
        for name, value in server_has.items():
            setattr(server, name, value)
        async with opened(EmailAlerts(AlertAccess(server.environment()), PUBLIC)) as kind:
            return await kind.perform(attempt(work)), server


async def test_a_mail_says_who_what_and_carries_the_same_id_whenever_it_is_sent() -> None:
    outcome, server = await by_mail(MAIL)
    assert outcome.outcome == "done"
    (mail,) = server.taken
    assert server.recipients == [["finance@example.org", "cfo@example.org"]]
    assert mail["Subject"] == MESSAGE.title
    assert mail["Message-ID"] == "<al_1.2@tallystick.example>"
    assert mail["References"] == "<al_1.1@tallystick.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Importance"] == "high"
    assert "https://tallystick.example/alerts" in mail.get_content()
    assert (await by_mail(MAIL))[1].message_ids == server.message_ids


async def test_a_mail_that_stands_in_for_another_channel_says_so() -> None:
    work = replace(MAIL, tried=("ops-slack",), because="it answered 500")
    mail = (await by_mail(work))[1].taken[0]
    assert "ops-slack did not take this alert: it answered 500" in mail.get_content()


async def test_a_title_cannot_add_headers() -> None:
    work: AlertDelivery = replace(MAIL, message=replace(MESSAGE, title="x\r\nBcc: all@example.org"))
    assert isinstance(work, EmailAlert)
    mail = (await by_mail(work))[1].taken[0]
    assert mail["Bcc"] is None
    assert mail["Subject"] == "x  Bcc: all@example.org"


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [("451 try later", "retry"), ("554 no", "failed")],
)
async def test_what_a_mail_server_answers_leads_to(reply: str, outcome: str) -> None:
    got, server = await by_mail(MAIL, answer=lambda mail: reply)
    assert got.outcome == outcome
    assert server.taken == []


@pytest.mark.parametrize(
    ("refused", "outcome"),
    [
        ({"cfo@example.org": "550 unknown"}, "done"),
        ({"cfo@example.org": "450 later"}, "retry"),
        ({"cfo@example.org": "550 unknown", "finance@example.org": "550 unknown"}, "failed"),
        ({"cfo@example.org": "550 unknown", "finance@example.org": "450 later"}, "retry"),
    ],
)
async def test_recipients_that_are_refused(refused: dict[str, str], outcome: str) -> None:
    got, _ = await by_mail(MAIL, refused=refused)
    assert got.outcome == outcome


async def test_no_mail_server_is_no_reason_to_give_up() -> None:
    async with mail_serving() as server:
        environment = server.environment()
    async with opened(EmailAlerts(AlertAccess(environment), PUBLIC)) as kind:
        assert (await kind.perform(attempt(MAIL))).outcome == "retry"
