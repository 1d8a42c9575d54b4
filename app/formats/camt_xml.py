"""XML from strangers, as a stream: no entities, no document type, bounded depth and size.

Elements are dropped as soon as their reader says so; names are compared without their namespace, because
banks send every version, and some send none.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from lxml import etree

from app.formats.errors import FileRefused

DEEPEST: Final = 40
"""Levels; ISO 20022 needs about 15."""
MOST_ELEMENTS: Final = 100_000
"""Of one part that has to be held whole: an entry without its details, a header."""
SNIFFED_BYTES: Final = 1024
DECLARED: Final = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")

Element = Any
"""An lxml element."""


def declared_encoding(path: Path) -> str:
    """The encoding that an XML file says it has, UTF-8 where it says none. Raises FileRefused."""
    try:
        with path.open("rb") as file:
            head = file.read(SNIFFED_BYTES)
    except OSError:
        return "utf-8"  # whoever reads the file next says why it cannot be read
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    found = DECLARED.match(head.removeprefix(b"\xef\xbb\xbf"))
    return _known(path, found[1].decode()) if found is not None else "utf-8"


def _known(path: Path, encoding: str) -> str:
    try:
        if codecs.lookup(encoding)._is_text_encoding:
            return encoding
    except LookupError:
        pass
    raise FileRefused(f"{path} says it is in {encoding!r}, which is no encoding that is known")


def elements(path: Path) -> Iterator[tuple[str, Element, int]]:
    """(`start` or `end`, element, depth from 1) in the file's order. Raises FileRefused with the line."""
    begun: list[int] = []
    held, events = 0, None
    try:
        with path.open("rb") as file:
            events = etree.iterparse(file, events=("start", "end"), **SAFE)
            for event, element in events:
                if event == "start":
                    begun.append(held)
                    held += 1
                    _refuse_too_much(path, element, len(begun), held)
                    yield event, element, len(begun)
                    continue
                full = len(element) > 0 or element.text is not None
                yield event, element, len(begun)
                before = begun.pop()
                if full and not len(element) and element.text is None:
                    held = before  # its reader has dropped it
    except etree.XMLSyntaxError as error:
        first = next(iter(events.error_log if events is not None else ()), None)
        line, what = (first.line, first.message) if first is not None else (error.lineno, error.msg)
        raise FileRefused(f"{path}, line {line}: it is no whole XML document: {what}") from None
    except OSError as error:
        raise FileRefused(f"{path} cannot be read: {error.strerror}") from None


def drop(element: Element) -> None:
    """Forget what is in an element that was read, and the one of the same name just before it."""
    element.clear()
    before = element.getprevious()
    if before is not None and before.tag == element.tag:
        before.getparent().remove(before)


def name(element: Element) -> str:
    return _without_namespace(element.tag)


@lru_cache(maxsize=4_096)
def _without_namespace(tag: str) -> str:
    return tag.rpartition("}")[2]


def children(element: Element | None, wanted: str) -> Iterator[Element]:
    """The children of this name."""
    if element is not None:
        yield from (child for child in element if name(child) == wanted)


def find(element: Element | None, path: str) -> Element | None:
    """The first element at a path of names like `Acct/Id/IBAN`."""
    for wanted in path.split("/"):
        element = next(children(element, wanted), None)
    return element


def text(element: Element | None, *paths: str) -> str:
    """The text at the first of the paths that has one."""
    for path in paths:
        found = find(element, path)
        if found is not None and found.text and found.text.strip():
            return str(found.text.strip())
    return ""


def raw(element: Element, most: int) -> str:
    """The element as it came, or its beginning."""
    written: str = etree.tostring(element, encoding="unicode", with_tail=False)
    return written[:most]


def _refuse_too_much(path: Path, element: Element, depth: int, held: int) -> None:
    if depth == 1 and element.getroottree().docinfo.doctype:
        raise FileRefused(f"{path} has a document type (DOCTYPE): a bank's statement has none")
    if depth > DEEPEST:
        raise FileRefused(f"{path}, line {element.sourceline}: over {DEEPEST} tags in one another")
    if held > MOST_ELEMENTS:
        raise FileRefused(f"{path}, line {element.sourceline}: one part has over {MOST_ELEMENTS:,} elements")


SAFE: Final[dict[str, bool]] = {
    "resolve_entities": False,
    "load_dtd": False,
    "dtd_validation": False,
    "attribute_defaults": False,
    "no_network": True,
    "huge_tree": False,
    "recover": False,
    "remove_comments": True,
    "remove_pis": True,
}
