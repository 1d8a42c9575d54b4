"""Who looks at a page: for its header and its forms, wherever in a template they stand.

A form that posts has `{{ csrf_field() }}` inside; a script sends the same token as the header `X-CSRF-Token`,
read from `<meta name="csrf-token">`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, NamedTuple

from aiohttp import web
from markupsafe import Markup

from web.call import Caller, Principal

PRINCIPAL: Final = web.RequestKey("principal", Principal)
CSRF_FIELD: Final = "csrf_token"
CSRF_HEADER: Final = "X-CSRF-Token"


class Visitor(NamedTuple):
    """`csrf_token`: empty for who cannot change anything. `can_sign_in`: whether there is a way to."""

    caller: Caller
    csrf_token: str = ""
    can_sign_in: bool = False

    @property
    def is_signed_in(self) -> bool:
        return self.caller.kind == "person"


NOBODY: Final = Visitor(Caller("", "anyone", "anyone", ""))
_VISITOR: Final[ContextVar[Visitor]] = ContextVar("visitor", default=NOBODY)


def caller_of(request: web.Request) -> Caller:
    """Who acts, for the handler of a page."""
    return request[PRINCIPAL].caller


@contextmanager
def visited_by(visitor: Visitor) -> Iterator[None]:
    """While a request is handled: connections are kept alive, and the next one may be somebody else's."""
    token = _VISITOR.set(visitor)
    try:
        yield
    finally:
        _VISITOR.reset(token)


def visitor() -> Visitor:
    return _VISITOR.get()


def csrf_field() -> Markup:
    """Inside of every form that posts."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(CSRF_FIELD, visitor().csrf_token)
