"""What the hand-over raises."""

from __future__ import annotations

from app.errors import TallystickError


class HandoverError(TallystickError):
    """Faust or aiokafka is not what the hand-over was built on: do not start."""
