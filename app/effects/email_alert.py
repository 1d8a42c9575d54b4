"""The kind `alert.email`: one message by mail, over the operators' own server.

The Message-ID is made of the alert's id and the message's number, so every repeat carries the same and a mail
program shows it once; further messages of an alert are answers to its first.
"""

from __future__ import annotations

from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final

import aiosmtplib
from aiosmtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException

from app.domain.alert_delivery import EmailAlert
from app.effects.alert_access import AlertAccess, MailServer
from app.effects.kind import Attempt, Outcome
from app.effects.slack_alert import body_text
from app.effects.webhook_delivery import printable
from app.errors import ConfigurationError

TIMEOUT_SECONDS: Final = 20.0
FOR_EVER: Final = 500
"""Codes from here on are refusals that no repeat changes."""


class EmailAlerts:
    """A connection per message: they are few."""

    def __init__(self, access: AlertAccess, public_url: str) -> None:
        self._access = access
        self._public_url = public_url

    async def perform(self, attempt: Attempt) -> Outcome:
        work = attempt.work
        if not isinstance(work, EmailAlert):
            raise TypeError(f"{type(work).__name__} is no alert by mail")
        try:
            server = self._access.mail_server()
        except ConfigurationError as fault:
            return Outcome(outcome="failed", reason=str(fault))
        return await self._send(server, work)

    async def close(self) -> None:
        """Nothing is kept open."""

    async def _send(self, server: MailServer, work: EmailAlert) -> Outcome:
        try:
            refused, _ = await aiosmtplib.send(
                mail(work, server, self._public_url),
                sender=server.sender,
                recipients=list(work.to),
                hostname=server.host,
                port=server.port,
                username=server.user,
                password=server.password,
                use_tls=server.security == "tls",
                start_tls=server.security == "starttls",
                timeout=TIMEOUT_SECONDS,
            )
        except SMTPRecipientsRefused as fault:
            return of_codes({one.recipient: one.code for one in fault.recipients}, len(work.to))
        except SMTPResponseException as fault:
            return _refused(fault.code, fault.message)
        except (SMTPException, OSError) as fault:
            return Outcome(outcome="retry", reason=printable(f"{type(fault).__name__}: {fault}"))
        return of_codes({address: answer.code for address, answer in refused.items()}, len(work.to))


def of_codes(refused: dict[str, int], recipients: int) -> Outcome:
    """What comes of recipients that the server refused one by one; their addresses are not repeated."""
    if any(code < FOR_EVER for code in refused.values()):
        return Outcome(outcome="retry", reason=f"{len(refused)} of {recipients} recipients are put off")
    if refused and len(refused) == recipients:
        return _refused(max(refused.values()), "no recipient is taken")
    reason = f"{len(refused)} of {recipients} recipients are refused" if refused else None
    return Outcome(outcome="done", status_code=250, reason=reason)


def _refused(code: int, text: str) -> Outcome:
    reason = printable(f"{code} {text}")
    return Outcome(outcome="failed" if code >= FOR_EVER else "retry", status_code=code, reason=reason)


def mail(work: EmailAlert, server: MailServer, public_url: str) -> EmailMessage:
    """The same in every attempt, up to its boundaries: plain text needs none."""
    message = work.message
    made = EmailMessage()
    made["From"] = server.sender
    made["To"] = ", ".join(work.to)
    made["Subject"] = printable(message.title)
    made["Date"] = format_datetime(message.at)
    made["Message-ID"] = f"<{message.message_id}@{server.domain}>"
    if message.number > 1:
        first = f"<{message.alert_id}.1@{server.domain}>"
        made["In-Reply-To"] = first
        made["References"] = first
    made["Auto-Submitted"] = "auto-generated"
    if message.severity == "CRITICAL" or work.tried:
        made["Importance"] = "high"
        made["X-Priority"] = "1"
    made.set_content(f"{message.title}\n\n{body_text(work)}\n\n{public_url}/alerts\n")
    return made
