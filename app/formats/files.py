"""A file's bytes before anything is made of them: what it is, its hash, whether it is text at all.

Everything here runs in constant memory, however large the file is and however long its lines are.
"""

from __future__ import annotations

import codecs
import hashlib
import io
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from app.formats.errors import FileRefused

CHUNK_BYTES: Final = 256 * 1024
LINE_CHARACTERS: Final = 1024 * 1024
LOOKED_AT_BYTES: Final = 1024 * 1024
"""At the beginning of a file, to tell text from anything else."""
CONTROL: Final = re.compile(r"[\x00-\x08\x0e-\x19\x1b\x7f]")
CONTROL_PART: Final = 0.01
NOT_TEXT: Final = {
    b"PK\x03\x04": "a ZIP archive or an Excel workbook: unpack it, or save it as CSV",
    b"\x1f\x8b": "compressed with gzip: unpack it",
    b"%PDF": "a PDF",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook: save it as CSV",
    b"\x28\xb5\x2f\xfd": "compressed with Zstandard: unpack it",
}
BOMS: Final = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


class Scan(NamedTuple):
    sha256: bytes
    size_bytes: int


def scan(path: Path, encoding: str, delimiter: str, advance: Callable[[int], None]) -> Scan:
    """Read the whole file once: its hash, and that it is text in this encoding throughout.

    `advance` is told of every piece's bytes. Raises FileRefused naming the byte and line of what is wrong.
    """
    _refuse_others(path)
    digest, decoder, size, line = hashlib.sha256(), codecs.getincrementaldecoder(encoding)(), 0, 1
    for chunk in _chunks(path):
        if not size:
            _refuse_not_text(path, chunk, encoding)
        held = len(decoder.getstate()[0])
        try:
            text = decoder.decode(chunk)
        except UnicodeError as error:
            raise _wrong_encoding(path, encoding, error, chunk, size - held, line) from None
        if size < LOOKED_AT_BYTES:
            _refuse_binary(path, text.replace(delimiter, ""))
        digest.update(chunk)
        size += len(chunk)
        line += chunk.count(b"\n")
        advance(len(chunk))
    if not size:
        raise FileRefused(f"{path} is empty")
    try:
        decoder.decode(b"", final=True)
    except UnicodeError:
        raise FileRefused(
            f"{path} ends in the middle of a character: it was cut off, or is not {encoding}"
        ) from None
    return Scan(digest.digest(), size)


def text_lines(path: Path, encoding: str, skip: int = 0) -> Iterator[str]:
    """The lines with their ends: LF, CRLF or CR. Raises FileRefused for a line that does not end."""
    with path.open("rb") as raw, io.TextIOWrapper(raw, encoding=reading(encoding), newline="") as file:
        number = 0
        while line := file.readline(LINE_CHARACTERS):
            number += 1
            if len(line) == LINE_CHARACTERS:
                raise FileRefused(
                    f"{path}, line {number} has over {LINE_CHARACTERS:,} characters: is it a list?"
                )
            if number > skip:
                yield line


def reading(encoding: str) -> str:
    """The codec to read with: a byte order mark before UTF-8 is no part of the text."""
    return "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding


def _refuse_others(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise FileRefused(f"{path} cannot be read: {error.strerror}") from None
    if stat.S_ISDIR(mode):
        raise FileRefused(f"{path} is a directory, not a file")
    if not stat.S_ISREG(mode):
        raise FileRefused(f"{path} is no regular file: it has to be read twice, so write it to one first")


def _chunks(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk
    except OSError as error:
        raise FileRefused(f"{path} cannot be read: {error.strerror}") from None


def _refuse_not_text(path: Path, chunk: bytes, encoding: str) -> None:
    for magic, what in NOT_TEXT.items():
        if chunk.startswith(magic):
            raise FileRefused(f"{path} is {what}")
    for mark, name in BOMS.items():
        if chunk.startswith(mark) and not codecs.lookup(encoding).name.startswith(("utf-16", "utf-32")):
            raise FileRefused(f"{path} begins with the mark of {name}, but the source says {encoding}")


def _refuse_binary(path: Path, text: str) -> None:
    control = len(CONTROL.findall(text))
    if "\x00" in text or control > max(1, len(text) * CONTROL_PART):
        raise FileRefused(f"{path} is not text: {control} control characters among the first {len(text):,}")


def _wrong_encoding(
    path: Path, encoding: str, error: UnicodeError, chunk: bytes, begin: int, line: int
) -> FileRefused:
    """`begin`: offset of the first byte that the decoder had in hand."""
    if not isinstance(error, UnicodeDecodeError):
        return FileRefused(f"{path} is not {encoding}: {error}")
    byte = error.object[error.start]
    line += error.object[: error.start].count(b"\n")
    return FileRefused(
        f"{path}, line {line}: byte {begin + error.start:,} (0x{byte:02x}) is not {encoding}: "
        "has the source another encoding, like cp1252?"
    )
