"""What can go wrong with the local Kafka and PostgreSQL, said in one sentence each."""

from __future__ import annotations

from app.errors import TallystickError


class StackError(TallystickError):
    """The local stack cannot do what was asked; the message says what to change."""


class FetchError(StackError):
    """A jar could not be downloaded, or is not the file it should be."""


class PortBusy(StackError):
    """A port that was asked for by number belongs to another program."""

    def __init__(self, what: str, port: int, option: str) -> None:
        super().__init__(
            f"port {port} on 127.0.0.1, meant for {what}, is in use by another program; "
            f"choose another with {option}"
        )


class DidNotStart(StackError):
    """A server ended, or stayed silent for too long, while it was being started."""
