"""What the texts of an MT940 entry say: field 86, free or in the parts of the German and Austrian banks."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from app.formats.statements import NO_REFERENCE

PARTS: Final = re.compile(r"[0-9]{3}([?>@~])")
"""Begins a text of parts: the kind of booking, then `?20` … by any sign."""
PURPOSE: Final = frozenset(f"{code:02}" for code in (*range(20, 30), *range(60, 64)))
NAMES: Final = ("32", "33")
KEYWORD: Final = r"EREF|KREF|MREF|CRED|DEBT|COAM|OAMT|SVWZ|ABWA|ABWE|IBAN|BIC|PURP"
END_TO_END: Final = re.compile(rf"EREF[+:]\s*(.*?)\s*(?=(?:{KEYWORD})[+:]|$)|/EREF/([^/]+)", re.DOTALL)
LINE_CHARACTERS: Final = 65
"""A line as long as a line can be goes on in the next one, in the middle of a word."""
LONGEST: Final = 4_000


class Texts(NamedTuple):
    text: str
    end_to_end_id: str
    counterparty: str


def remittance(details: str, fields: Iterable[str]) -> Texts:
    """`details`: the second line of field 61. `fields`: those that follow it, as a rule one 86."""
    purposes, name = [details.strip()], ""
    for field in fields:
        found = PARTS.match(field)
        if found is None:
            purposes.append(_unwrapped(field))
            continue
        parts = _parts(field, found[1])
        purposes.append("".join(text for code, text in parts if code in PURPOSE).strip())
        name = name or "".join(text for code, text in parts if code in NAMES).strip()
    whole = "\n".join(purpose for purpose in purposes if purpose)
    return Texts(whole[:LONGEST], _end_to_end_id(whole), name)


def _parts(field: str, sign: str) -> list[tuple[str, str]]:
    """(two digits, text) of every part; line ends are put there by the width of a line alone."""
    parts: list[tuple[str, str]] = []
    for piece in field.replace("\n", "").split(sign)[1:]:
        if piece[:2].isdecimal():
            parts.append((piece[:2], piece[2:]))
        elif parts:  # the sign as a part of the text
            code, text = parts.pop()
            parts.append((code, f"{text}{sign}{piece}"))
    return parts


def _unwrapped(field: str) -> str:
    lines = field.split("\n")
    joined = "".join(line if len(line) >= LINE_CHARACTERS else f"{line.rstrip()}\n" for line in lines)
    return joined.strip()


def _end_to_end_id(text: str) -> str:
    found = END_TO_END.search(text)
    said = " ".join((found[1] or found[2] or "").split()) if found is not None else ""
    return "" if said.upper() in NO_REFERENCE else said
