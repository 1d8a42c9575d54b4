"""Log lines of the web process: no card number in them, not even in what a parser says of a request."""

from __future__ import annotations

import logging
from typing import Final

from app.domain.card_numbers import holds_card_number, mask_card_numbers

FORMAT: Final = "%(asctime)s %(levelname)s %(name)s %(message)s"


class MaskedFormatter(logging.Formatter):
    """The whole line is looked at, its traceback included."""

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        return mask_card_numbers(line) if holds_card_number(line) else line


def configure() -> None:
    """To standard error, from INFO on."""
    handler = logging.StreamHandler()
    handler.setFormatter(MaskedFormatter(FORMAT))
    logging.basicConfig(level="INFO", handlers=[handler])
