"""Style sheet, script and icon: read once, served with their hash in the URL and cached for a year."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final, NamedTuple

from aiohttp import web

from web.problems import Problem

FOLDER: Final = Path(__file__).parent / "static"
TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
FOREVER: Final = "public, max-age=31536000, immutable"


class Asset(NamedTuple):
    body: bytes
    content_type: str
    version: str


def _read(path: Path) -> Asset:
    body = path.read_bytes()
    return Asset(body, TYPES[path.suffix], hashlib.sha256(body).hexdigest()[:12])


ASSETS: Final = {path.name: _read(path) for path in sorted(FOLDER.iterdir()) if path.suffix in TYPES}
"""A closed set of names: no path of a request ever reaches the file system."""


def asset_url(name: str) -> str:
    return f"/static/{name}?v={ASSETS[name].version}"


async def get_asset(request: web.Request) -> web.StreamResponse:
    asset = ASSETS.get(request.match_info["name"])
    if asset is None:
        raise Problem("not_found")
    etag = f'"{asset.version}"'
    current = request.query.get("v") == asset.version
    headers = {"ETag": etag, "Cache-Control": FOREVER if current else "no-cache"}
    if request.headers.get("If-None-Match") == etag:
        return web.Response(status=304, headers=headers)
    return web.Response(body=asset.body, content_type=asset.content_type, charset="utf-8", headers=headers)
