"""Test tokens: what a means of payment does when it is charged. There are no card numbers here."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

Does = Literal["succeeds", "declined", "asks"]
Hitch = Literal["timeout_after", "error_after", "error_before", "slow"]


class Token(NamedTuple):
    does: Does
    title: str
    reason: str = ""
    """Why it is declined, or why its 3-D Secure step fails; empty: that step succeeds."""
    hitch: Hitch | None = None
    """What goes wrong with the first answer to a request; its repeat is answered rightly."""


TOKENS: Final = {
    "tok_ok": Token("succeeds", "Pay"),
    "tok_declined": Token("declined", "Pay with a card that is declined", "card_declined"),
    "tok_insufficient_funds": Token("declined", "Pay with an empty account", "insufficient_funds"),
    "tok_3ds_ok": Token("asks", "Pay with 3-D Secure"),
    "tok_3ds_fails": Token("asks", "Pay with 3-D Secure that fails", "authentication_failed"),
    "tok_timeout": Token("succeeds", "", hitch="timeout_after"),
    "tok_error_but_done": Token("succeeds", "", hitch="error_after"),
    "tok_error": Token("succeeds", "", hitch="error_before"),
    "tok_slow": Token("succeeds", "", hitch="slow"),
}
"""Those with a title stand on the hosted page."""
