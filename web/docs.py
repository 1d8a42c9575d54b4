"""Documents that are generated from the web's code; `python -m app docs` writes them to docs/."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from web import metrics, openapi, routes


def openapi_json() -> bytes:
    return openapi.render(routes.ENDPOINTS, routes.RAW)


DOCUMENTS: Final[dict[str, Callable[[], bytes]]] = {
    "openapi.json": openapi_json,
    "metrics.md": metrics.render_docs,
}
"""File name under docs/ -> what renders it."""
