"""What a handler is given: a checked call. Handlers know neither headers nor raw query strings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import msgspec
from aiohttp import web

if TYPE_CHECKING:
    from web.deps import Deps

STAFF_ROLES: Final = ("viewer", "analyst", "approver", "lead", "operator", "admin")
INGEST: Final = "ingest"
"""Scope of machines that write; nothing here is theirs to read."""
MERCHANT: Final = "merchant"

Query = TypeVar("Query", bound=msgspec.Struct)


class Access(Enum):
    """Who may call a route."""

    OPEN = "no key"
    PAGES = "no key on loopback, elsewhere a key of staff"
    STAFF = "a key of staff"
    STAFF_OR_MERCHANT = "a key of staff, or a merchant's for its own data"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls. `merchant_id` is set exactly where `role` is `merchant`."""

    key_id: str
    role: str
    merchant_id: str | None = None

    @property
    def is_staff(self) -> bool:
        return self.role in STAFF_ROLES

    def may_see(self, merchant_id: str) -> bool:
        return self.is_staff or self.merchant_id == merchant_id


@dataclass(frozen=True, slots=True)
class Call(Generic[Query]):
    """One request, authenticated and with its parameters checked."""

    deps: Deps
    principal: Principal
    path: Mapping[str, str]
    query: Query


class NoQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For routes without parameters: any parameter is an error, so that a typo is not silently ignored."""


RawHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A JSON endpoint: all there is to know about it, for the router, the guard and `/openapi.json`."""

    path: str
    handler: Callable[[Call[Any]], Awaitable[msgspec.Struct]]
    access: Access
    answer: type[msgspec.Struct]
    query: type[msgspec.Struct] = NoQuery
    problems: tuple[str, ...] = ()
    """Codes beyond those every endpoint of its access has."""
    summary: str
    method: str = "GET"


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """A route that answers with something else than a JSON document of ours: pages, metrics, streams."""

    path: str
    handler: RawHandler
    access: Access
    summary: str
    content_type: str = "text/html"
    query: type[msgspec.Struct] = NoQuery
    """Its parameters, for the documentation; the handler reads them itself."""
    documented: bool = False
    """Whether it is part of the API and so of `/openapi.json`."""
    method: str = "GET"
    problems: tuple[str, ...] = field(default=())
