"""What can be wrong with a file and with a row of it."""

from __future__ import annotations

from app.errors import TallystickError


class FileRefused(TallystickError):
    """The file as a whole cannot be read, or not by this description; nothing of it is sent."""


class BadRow(Exception):
    """One row cannot be read: it is quarantined with this reason, and the rest goes on."""
