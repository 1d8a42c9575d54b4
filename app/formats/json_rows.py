"""JSON: a list as the whole document or somewhere in it, read as a stream; and one object per line.

Numbers are read as decimals, never as floats.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import ijson
import msgspec

from app.domain.source_files import SourceFile
from app.formats.errors import FileRefused
from app.formats.files import reading, text_lines
from app.formats.rows import Getter, RawRow

ELEMENT_BYTES: Final = 16 * 1024 * 1024
"""Most that is read for one element, and before the first one."""
CHUNK_BYTES: Final = 64 * 1024
NOT_AN_OBJECT: Final = "it is no object with named values"

_LINE: Final = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER: Final = msgspec.json.Encoder(order="deterministic", decimal_format="number")


class _Objects:
    """What both kinds of JSON file have in common: content is an object, columns are paths in it."""

    def __init__(self, path: Path, file: SourceFile) -> None:
        self._path, self._file = path, file
        self.asked: dict[str, Getter] = {}

    def getter(self, name: str, *, optional: bool = False) -> Getter:
        """Objects need not have every name, so a name that none has is not refused here."""
        parts = name.split(".")

        def get(content: Any) -> Any:
            return content[name] if name in content else _walk(content, parts)

        if not optional:
            self.asked[name] = get
        return get

    def identity(self, content: Any) -> bytes:
        return _ENCODER.encode(content)

    def document(self, path: str) -> Any:
        raise FileRefused(f"{self._path}: a {self._file.format} file has no {path} beside its rows")


class JsonRows(_Objects):
    """A list in a JSON document."""

    def document(self, path: str) -> Any:
        found = next(self._items(path), None)
        if not isinstance(found, dict):
            raise FileRefused(f"{self._path} has no object at {path!r}")
        return found

    def __iter__(self) -> Iterator[RawRow]:
        prefix = f"{self._file.path}.item" if self._file.path else "item"
        number = 0
        for item in self._items(prefix):
            number += 1
            problem = None if isinstance(item, dict) else NOT_AN_OBJECT
            yield RawRow(
                number, None, item if problem is None else {}, problem, "" if problem is None else _raw(item)
            )
        if not number:
            yield from self._without_list()

    def _items(self, prefix: str) -> Iterator[Any]:
        with _Bounded(self._path, self._file.encoding) as source:
            try:
                for item in ijson.items(source, prefix, buf_size=CHUNK_BYTES):
                    source.begin()
                    yield item
            except ijson.JSONError as error:
                raise self._broken(error, source) from None

    def _broken(self, error: Exception, source: _Bounded) -> FileRefused:
        what = str(error).splitlines()[0].removeprefix("parse error: ").removeprefix("lexical error: ")
        what = "it ends too early: it was cut off" if "premature EOF" in what else what
        return FileRefused(
            f"{self._path} is no JSON document: {what} (within its first {source.read_bytes:,} bytes)"
        )

    def _without_list(self) -> Iterator[RawRow]:
        """An empty list is a file without rows; no list is another file, or one row where so described."""
        if self._file.single and self._is_object():
            item = next(self._items(""))
            yield RawRow(1, None, item, None, _raw(item))
        else:
            self._refuse_without_list()

    def _is_object(self) -> bool:
        """Whether the document is an object that has nothing at `path`."""
        with _Bounded(self._path, self._file.encoding) as source:
            events = ijson.parse(source, buf_size=CHUNK_BYTES)
            if next(events)[1] != "start_map":
                return False
            for prefix, _, _ in events:
                source.begin()
                if prefix and prefix == self._file.path:
                    return False
        return True

    def _refuse_without_list(self) -> None:
        with _Bounded(self._path, self._file.encoding) as source:
            for prefix, event, _ in ijson.parse(source, buf_size=CHUNK_BYTES):
                source.begin()
                if prefix == self._file.path:
                    if event == "start_array":
                        return
                    what = "an object" if event == "start_map" else "a single value"
                    where = f"at {self._file.path!r}" if self._file.path else "as the whole document"
                    raise FileRefused(
                        f"{self._path} has {what} {where}, not a list: does the source's `path` fit?"
                    )
        raise FileRefused(f"{self._path} has nothing at {self._file.path!r}, where its list should be")


class JsonLines(_Objects):
    """One JSON object per line; a line that is none is quarantined alone."""

    def __iter__(self) -> Iterator[RawRow]:
        number = 0
        for line_number, line in enumerate(text_lines(self._path, self._file.encoding), 1):
            if not line.strip():
                continue
            number += 1
            try:
                item = _LINE.decode(line)
            except (msgspec.DecodeError, UnicodeError) as error:
                yield RawRow(number, line_number, {}, f"it is no JSON: {error}", line.rstrip("\r\n"))
                continue
            problem = None if isinstance(item, dict) else NOT_AN_OBJECT
            yield RawRow(number, line_number, item if problem is None else {}, problem, line.rstrip("\r\n"))


class _Bounded:
    """A file as UTF-8 bytes that refuses to read on for ever without an element coming out of it."""

    def __init__(self, path: Path, encoding: str) -> None:
        self._path = path
        self._file = path.open(encoding=reading(encoding), newline="")
        self.read_bytes = 0
        self._since = 0

    def __enter__(self) -> _Bounded:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def begin(self) -> None:
        self._since = 0

    def read(self, size: int = CHUNK_BYTES) -> bytes:
        if self._since > ELEMENT_BYTES:
            raise FileRefused(
                f"{self._path} has an element, or a part before its list, of over {ELEMENT_BYTES:,} bytes"
            )
        piece = self._file.read(size).encode("utf-8", "surrogatepass")
        self.read_bytes += len(piece)
        self._since += len(piece)
        return piece


def raw_text(content: Any) -> str:
    """A JSON row as text again, for people."""
    return _raw(content)


def _raw(item: Any) -> str:
    return _ENCODER.encode(item).decode()


def _walk(content: Any, parts: list[str]) -> Any:
    for part in parts:
        if isinstance(content, dict):
            content = content.get(part)
        elif isinstance(content, list) and part.isdecimal() and int(part) < len(content):
            content = content[int(part)]
        else:
            return None
    return content
