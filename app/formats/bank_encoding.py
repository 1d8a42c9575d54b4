"""The encoding of a bank's file: as the file itself says, where its format can say it.

SWIFT and BAI2 files cannot, OFX files do not always. What is no UTF-8 is read as the banks' usual code page,
with a warning: only names and texts depend on it, never amounts and dates.
"""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from typing import Final

from app.domain.source_files import SourceFile
from app.formats.camt_xml import declared_encoding

OTHERWISE: Final = ("cp1252", "iso-8859-1")
CHUNK_BYTES: Final = 256 * 1024
HEAD_BYTES: Final = 2_048
OFX_CHARSET: Final = re.compile(rb"^\s*(ENCODING|CHARSET)\s*:\s*([A-Za-z0-9_.-]+)\s*$", re.MULTILINE)


def encoding_of(path: Path, file: SourceFile) -> str:
    """The encoding to read a bank's file with."""
    try:
        if file.format == "camt":
            return declared_encoding(path)
        said = _of_ofx(path, file.encoding) if file.format == "ofx" else file.encoding
        if file.format != "ofx" and codecs.lookup(said).name != "utf-8":
            return said  # whoever describes the source knows better
        return next(encoding for encoding in (said, "utf-8", *OTHERWISE) if _fits(path, encoding))
    except OSError:
        return file.encoding  # whoever reads the file next says why it cannot be read


def is_guessed(encoding: str, file: SourceFile) -> bool:
    """Whether neither the file nor its description said so."""
    return encoding in OTHERWISE and encoding != file.encoding and file.format in ("mt940", "bai2")


def _of_ofx(path: Path, otherwise: str) -> str:
    """`ENCODING:USASCII` with `CHARSET:1252` is cp1252; XML says it as XML does."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    said = {name.decode(): value.decode().upper() for name, value in OFX_CHARSET.findall(head)}
    if not said:
        return (
            declared_encoding(path) if head.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"<?xml") else otherwise
        )
    if said.get("ENCODING", "").replace("-", "") in ("UTF8", "UNICODE"):
        return "utf-8"
    charset = said.get("CHARSET", "NONE")
    if charset.isdecimal():
        return f"cp{charset}" if _known(f"cp{charset}") else otherwise
    return charset if _known(charset) and charset != "NONE" else otherwise


def _known(encoding: str) -> bool:
    try:
        codecs.lookup(encoding)
    except LookupError:
        return False
    return True


def _fits(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    with path.open("rb") as file:
        try:
            while chunk := file.read(CHUNK_BYTES):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeError:
            return False
    return True
