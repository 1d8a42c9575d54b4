"""Log lines of the web process: no card number in them, and nothing of a request that is no HTTP.

Of such a request aiohttp would log a traceback with the very line it could not read: that may be the header
with somebody's key, and anyone could fill the log with them.
"""

from __future__ import annotations

import logging
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from app.domain.card_numbers import holds_card_number, mask_card_numbers

FORMAT: Final = "%(asctime)s %(levelname)s %(name)s %(message)s"


class MaskedFormatter(logging.Formatter):
    """The whole line is looked at, its traceback included."""

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        return mask_card_numbers(line) if holds_card_number(line) else line


def tell_less(record: logging.LogRecord) -> bool:
    """A filter for aiohttp's server: what a client did wrong is one line that quotes nothing."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError | web.RequestPayloadError):
        record.levelno, record.levelname = logging.INFO, logging.getLevelName(logging.INFO)
        record.msg, record.args = f"a request that cannot be read: {type(error).__name__}", ()
        record.exc_info = record.exc_text = None
    return True


def configure() -> None:
    """To standard error, from INFO on."""
    logging.getLogger("aiohttp.server").addFilter(tell_less)
    handler = logging.StreamHandler()
    handler.setFormatter(MaskedFormatter(FORMAT))
    logging.basicConfig(level="INFO", handlers=[handler])
