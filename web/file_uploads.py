"""`POST /v1/files`: a file of a source, as multipart/form-data; the same reading as `python -m app ingest`.

It is written to disk as it comes and known by its hash: the same file again is not read again, it has the
same answer. What takes longer than its sender waits is answered with 202 and where to look.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, NamedTuple

from aiohttp import BodyPartReader, MultipartReader, web

from app.domain.configuration import SourceConfiguration
from app.errors import ConfigurationError
from app.formats.reading import Reading
from app.ingest.jobs import SILENT_SECONDS, Progress
from app.ingest.run import Run
from app.ingest.sources import stored_source
from app.ingest.spool import Spooled, Spooling, TooLarge, discard
from app.store.file_progress import FileView, views_of
from app.store.files import FileKey
from web.asking import read_wait
from web.call import Reply, Upload
from web.deps import Deps
from web.file_intake import Uploads
from web.files import OneFileQuery, detail_of, status_of, status_url
from web.problems import Problem, invalid

FORM: Final = "multipart/form-data"
FIELDS: Final = ("source", "file")
SOURCE_BYTES: Final = 400
PIECE_BYTES: Final = 256 * 1024
SILENCE_SECONDS: Final = 30.0
"""A sender that gives nothing for so long is given up."""


class Handed(NamedTuple):
    """The two fields of the form."""

    source: str
    spooled: Spooled


async def create_file(call: Upload[OneFileQuery]) -> Reply:
    key = await hand_in(call.request, call.deps, call.caller.name)
    return await _reply(call.deps, key, read_wait(call.request.headers).seconds)


async def hand_in(request: web.Request, deps: Deps, handed_in_by: str) -> FileKey:
    """Takes the file and begins to read it, unless that was done or is being done. Raises Problem."""
    uploads = _uploads(deps)
    handed = await _take(request, uploads)
    try:
        key = FileKey(handed.spooled.scan.sha256, handed.source)
        source = await _source(deps.pool, handed.source)
        if not await _is_known(deps.pool, key, handed.spooled, source):
            return await uploads.jobs.start(handed.spooled, handed.source, source, handed_in_by)
    except BaseException:
        discard(handed.spooled)
        raise
    discard(handed.spooled)
    return key


def _uploads(deps: Deps) -> Uploads:
    if deps.uploads is None:
        raise Problem("files_not_taken", "this process takes no files")
    return deps.uploads


async def _reply(deps: Deps, key: FileKey, within_seconds: float) -> Reply:
    await _uploads(deps).jobs.finished(key, within_seconds)
    row = (await views_of(deps.pool, *key))[0]
    status, where = status_of(row), {"Location": status_url(*key)}
    if status == "quarantined":
        raise Problem("file_refused", row.reason or "", where)
    if status in ("failed", "interrupted"):
        raise Problem("file_stopped", row.reason or "", {**where, "Retry-After": "5"})
    return Reply(await detail_of(deps.pool, row), 202 if status == "reading" else 200, where)


async def _source(pool: Any, name: str) -> SourceConfiguration:
    try:
        return await stored_source(name, pool)
    except ConfigurationError as error:
        raise invalid("source", str(error)) from None


async def _is_known(pool: Any, key: FileKey, spooled: Spooled, source: SourceConfiguration) -> bool:
    """Whether it was read by the same description, or is being read."""
    found = await views_of(pool, *key)
    if not found:
        return False
    run = Run(Reading(spooled.path, key.source, source), Progress(), spooled.scan)
    if found[0].status == "done":
        return await run.earlier(pool) is not None
    return _is_read_now(found[0])


def _is_read_now(row: FileView) -> bool:
    return row.status == "started" and row.age_seconds is not None and row.age_seconds < SILENT_SECONDS


async def _take(request: web.Request, uploads: Uploads) -> Handed:
    """Reads the whole form; whatever comes of it, nothing stays on disk but the file that is returned."""
    if request.content_type != FORM:
        raise Problem("unsupported_media_type", f"send {FORM} with the fields {' and '.join(FIELDS)}")
    if request.content_length is not None and request.content_length > uploads.most_bytes:
        raise _too_large(uploads)
    spooling, source, spooled = Spooling(uploads.folder, uploads.most_bytes), None, None
    try:
        async for part in _parts(await request.multipart()):
            if part.name == "source" and source is None:
                source = await _text(part)
            elif part.name == "file" and spooled is None:
                spooled = await _spool(part, spooling)
            elif part.name in FIELDS:
                raise invalid(part.name, "is given more than once")
            elif part.name != "csrf_token":
                raise invalid(part.name or "body", f"is not a field of this form: {' and '.join(FIELDS)} are")
        if source is None or spooled is None:
            raise invalid("source" if source is None else "file", "is required")
        return Handed(source, spooled)
    except TooLarge:
        raise _too_large(uploads) from None
    except (ValueError, web.RequestPayloadError, ConnectionError):
        _forget(spooled)
        raise Problem("bad_request", "the form cannot be read to its end", {"Connection": "close"}) from None
    except BaseException:
        _forget(spooled)
        raise
    finally:
        spooling.drop()


def _forget(spooled: Spooled | None) -> None:
    if spooled is not None:
        discard(spooled)


async def _parts(reader: MultipartReader) -> Any:
    while (part := await _soon(reader.next())) is not None:
        if not isinstance(part, BodyPartReader):
            raise Problem("bad_request", "a form inside of a form is not read")
        yield part


async def _text(part: BodyPartReader) -> str:
    raw = bytearray()
    while piece := await _soon(part.read_chunk(PIECE_BYTES)):
        raw += piece
        if len(raw) > SOURCE_BYTES:
            raise invalid("source", "is too long")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise invalid("source", "is not UTF-8") from None


async def _spool(part: BodyPartReader, spooling: Spooling) -> Spooled:
    while piece := await _soon(part.read_chunk(PIECE_BYTES)):
        await spooling.add(piece)
    return await spooling.keep(part.filename or "file")


async def _soon(coming: Any) -> Any:
    try:
        async with asyncio.timeout(SILENCE_SECONDS):
            return await coming
    except TimeoutError:
        detail = f"nothing came for {SILENCE_SECONDS:.0f} seconds"
        raise Problem("bad_request", detail, {"Connection": "close"}) from None


def _too_large(uploads: Uploads) -> Problem:
    return Problem("body_too_large", f"at most {uploads.most_bytes} bytes", {"Connection": "close"})
