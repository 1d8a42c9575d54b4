"""Operations that were asked of a PSP, and how far each is known by the PSP's answers.

An operation is no fact: the facts come in its answer, or by webhook. It says what may still happen, so that
limits count what is in flight, and what a payment's status is while nothing else is known. What is known
only grows, so that answers may come in any order.
"""

from datetime import datetime
from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from app.domain.psp_calls import Operation, PspAnswered

AskedState = Literal["executing", "misconfigured", "unknown", "gave_up", "declined", "done"]
_BY_KNOWLEDGE: Final[tuple[AskedState, ...]] = (
    "executing",
    "misconfigured",
    "unknown",
    "gave_up",
    "declined",
    "done",
)
"""Each word outweighs those before it. Whoever might have heard us (`unknown`) is not misconfigured, and only

the PSP's own final word ends an operation: `gave_up` and `misconfigured` can be asked again.
"""


class Asked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One operation. `amount` in minor units of the payment's or payout's currency."""

    operation: Operation
    object_id: str
    effect_id: str
    amount: int
    asked_at: datetime
    state: AskedState = "executing"
    reason: str | None = None
    """Why it was declined, or what is wrong."""
    psp_object_id: str | None = None
    """The PSP's id of what was made."""
    url: str | None = None
    """Where the payer has to go: the hosted page, or a 3-D Secure step."""
    psp: str | None = None
    """Who was asked; None in operations of before this was kept."""

    @property
    def may_happen(self) -> bool:
        """Whether it happened, or may yet: all that the PSP has not declined."""
        return self.state != "declined"


def asked_key(operation: Operation, object_id: str) -> str:
    return f"{operation}/{object_id}"


def answered(asked: Asked, answer: PspAnswered) -> Asked:
    """With what the answer says; the same object where it is another's answer, or says nothing new."""
    if answer.effect_id != asked.effect_id or _knowledge(answer.outcome) <= _knowledge(asked.state):
        return asked
    return replace(
        asked,
        state=answer.outcome,
        reason=answer.reason,
        psp_object_id=answer.psp_object_id or asked.psp_object_id,
        url=answer.url or asked.url,
    )


def _knowledge(state: AskedState) -> int:
    return _BY_KNOWLEDGE.index(state)
