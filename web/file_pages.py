"""The pages of files: the list with a form to hand one in; one file with the rows that could not be read."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from aiohttp import web

from app.store.platform import read_platform
from web import render
from web.call import ROLES, Access, Call, Principal
from web.deps import DEPS, Deps
from web.file_uploads import hand_in
from web.files import FilesQuery, OneFileQuery, get_file, get_files
from web.params import check_path, read_query
from web.problems import Problem
from web.visitor import PRINCIPAL

REFRESH_SECONDS: Final = 2
"""Of the page of a file that is being read."""


async def get_list(request: web.Request) -> web.StreamResponse:
    query, deps, principal = read_query(request.query, FilesQuery), request.app[DEPS], request[PRINCIPAL]
    text = render.page(
        "files.html",
        page=await get_files(Call(deps, principal, {}, query)),
        query=query,
        sources=await _sources(deps),
        may_hand_in=_may_hand_in(deps, principal),
    )
    return web.Response(text=text, content_type="text/html")


async def get_one(request: web.Request) -> web.StreamResponse:
    check_path(request.match_info)
    query, deps = read_query(request.query, OneFileQuery), request.app[DEPS]
    known = await get_file(Call(deps, request[PRINCIPAL], dict(request.match_info), query))
    reading = any(item.status == "reading" for item in known.items)
    text = render.page("file.html", known=known, refresh=REFRESH_SECONDS if reading else None)
    return web.Response(text=text, content_type="text/html")


async def post_file(request: web.Request) -> web.StreamResponse:
    """Leads to the file's page, whatever becomes of it."""
    deps, principal = request.app[DEPS], request[PRINCIPAL]
    if principal.role not in ROLES[Access.FILES]:
        raise Problem("forbidden", f"the role {principal.role!r} hands in no files")
    key = await hand_in(request, deps, principal.caller.name)
    raise web.HTTPSeeOther(f"/files/{key.sha256.hex()}?source={quote(key.source, safe='')}")


async def _sources(deps: Deps) -> list[str]:
    """Those whose files can be read."""
    platform = await read_platform(deps.pool)
    found = platform.sources if platform is not None else {}
    return sorted(name for name, source in found.items() if source.file is not None)


def _may_hand_in(deps: Deps, principal: Principal) -> bool:
    return deps.uploads is not None and principal.role in ROLES[Access.FILES]
