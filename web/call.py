"""What a handler is given: a checked call. Handlers know neither headers nor raw query strings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, TypeVar

import msgspec
from aiohttp import web

from web.asking import Wait

if TYPE_CHECKING:
    from web.deps import Deps

STAFF_ROLES: Final = ("viewer", "analyst", "approver", "lead", "operator", "admin")
INGEST: Final = "ingest"
"""Scope of machines that hand in files, and see what became of them; nothing else is theirs to read."""
MERCHANT: Final = "merchant"

Query = TypeVar("Query", bound=msgspec.Struct)
Body = TypeVar("Body", bound=msgspec.Struct)


class Access(Enum):
    """Who may call a route."""

    OPEN = "no key"
    PAGES = "no key on loopback, elsewhere a key of staff"
    STAFF = "a key of staff"
    STAFF_OR_MERCHANT = "a key of staff, or a merchant's for its own data"
    MERCHANTS = "a merchant's key"
    APPROVERS = "a key of an approver, a lead or an admin"
    WORKERS = "an analyst, an approver, a lead or an admin"
    LEADS = "a lead or an admin"
    OPERATORS = "a key of an operator or an admin"
    FILES = "a key of an operator, a lead, an admin or a machine that ingests"
    FILES_KNOWN = "a key of staff or of a machine that ingests"


ROLES: Final[Mapping[Access, tuple[str, ...]]] = {
    Access.PAGES: STAFF_ROLES,
    Access.STAFF: STAFF_ROLES,
    Access.STAFF_OR_MERCHANT: (*STAFF_ROLES, MERCHANT),
    Access.MERCHANTS: (MERCHANT,),
    Access.APPROVERS: ("approver", "lead", "admin"),
    Access.WORKERS: ("analyst", "approver", "lead", "admin"),
    Access.LEADS: ("lead", "admin"),
    Access.OPERATORS: ("operator", "admin"),
    Access.FILES: ("operator", "lead", "admin", INGEST),
    Access.FILES_KNOWN: (*STAFF_ROLES, INGEST),
}
"""Whose keys open what; `OPEN` needs none."""


CallerKind = Literal["key", "person", "local", "anyone"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who acts, as decisions and the audit name it.

    `id`: of the key, or of the person (the same in every session of theirs); empty for `local` and `anyone`.
    `name`: what people call them.
    """

    id: str
    role: str
    kind: CallerKind
    name: str


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls. `merchant_id` is set exactly where `role` is `merchant`.

    `key_id`: of the key, or of the person who is signed in; `session_id`: of that session.
    """

    key_id: str
    role: str
    merchant_id: str | None = None
    kind: CallerKind = "key"
    name: str = ""
    session_id: str = ""

    @property
    def caller(self) -> Caller:
        return Caller(self.key_id, self.role, self.kind, self.name or self.key_id or self.role)

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

    @property
    def caller(self) -> Caller:
        """Who acts: for decisions and the audit. Pages take `visitor.caller_of(request)`."""
        return self.principal.caller


@dataclass(frozen=True, slots=True)
class Write(Call[Query], Generic[Query, Body]):
    """A call that asks for something to be done. `route`: the pattern of its URL.

    `key`: its `Idempotency-Key`, empty where none is needed; `wait`: for how long its caller waits.
    """

    body: Body
    route: str
    key: str
    wait: Wait
    address: str | None = None
    """Where it came from, as far as this process sees it."""


@dataclass(frozen=True, slots=True)
class Upload(Call[Query], Generic[Query]):
    """A call that brings files: its handler reads them from the request as they come."""

    request: web.Request


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer with another status than the endpoint's first, or with headers of its own."""

    document: msgspec.Struct
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class NoQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For routes without parameters: any parameter is an error, so that a typo is not silently ignored."""


RawHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A JSON endpoint: all there is to know about it, for the router, the guard and `/openapi.json`."""

    path: str
    handler: Callable[[Any], Awaitable[msgspec.Struct | Reply]]
    """Given a `Call`, or a `Write` where there is a `body`."""
    access: Access
    answer: type[msgspec.Struct]
    query: type[msgspec.Struct] = NoQuery
    problems: tuple[str, ...] = ()
    """Codes beyond those every endpoint of its access has."""
    summary: str
    method: str = "GET"
    body: type[msgspec.Struct] | None = None
    """What a POST sends; `body.NoBody` where its URL says all."""
    makes: bool = False
    """Whether it makes or moves something, so that it needs an `Idempotency-Key`."""
    statuses: tuple[int, ...] = (200,)
    """Of its answers; the first one is meant where the handler names none."""
    uploads: bool = False
    """Whether it takes a form with a file, so that its handler is given an `Upload`."""
    id_pattern: str | None = None
    """Of the ids in its URL, where the caller makes them and they have to be plainer than any text."""


def by_path(endpoints: Iterable[Endpoint]) -> dict[str, list[Endpoint]]:
    """The methods of each URL together."""
    found: dict[str, list[Endpoint]] = {}
    for endpoint in endpoints:
        found.setdefault(endpoint.path, []).append(endpoint)
    return found


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
