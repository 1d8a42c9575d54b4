"""A mail server for tests: a real one on a port of the operating system's choice, that keeps what it took."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP

TAKEN = "250 OK"


class MailServer:
    """`taken`: in the order of their arrival. `answer(mail)`: the reply to each, before it is taken."""

    def __init__(self) -> None:
        self.taken: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.answer: Callable[[EmailMessage], str] = lambda mail: TAKEN
        self.refused: dict[str, str] = {}
        self.port = 0

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return TAKEN

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        reply = self.answer(mail)
        if reply == TAKEN:
            self.taken.append(mail)
            self.recipients.append(list(envelope.rcpt_tos))
        return reply

    @property
    def message_ids(self) -> list[str]:
        return [str(mail["Message-ID"]) for mail in self.taken]

    def environment(self) -> dict[str, str]:
        return {
            "TALLYSTICK_SMTP_HOST": "127.0.0.1",
            "TALLYSTICK_SMTP_PORT": str(self.port),
            "TALLYSTICK_SMTP_SECURITY": "none",
            "TALLYSTICK_SMTP_FROM": "alerts@tallystick.example",
        }


@asynccontextmanager
async def mail_serving() -> AsyncIterator[MailServer]:
    """Listens until the end; connections that are open then are cut."""
    keeper = MailServer()
    loop = asyncio.get_running_loop()
    sessions: list[SMTP] = []

    def begin() -> SMTP:
        sessions.append(SMTP(keeper, hostname="mail.test", loop=loop))
        return sessions[-1]

    server = await loop.create_server(begin, "127.0.0.1", 0)
    keeper.port = server.sockets[0].getsockname()[1]
    try:
        yield keeper
    finally:
        server.close()
        for session in sessions:
            if session.transport is not None:
                session.transport.close()
        await server.wait_closed()
