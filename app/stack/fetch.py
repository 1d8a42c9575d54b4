"""Fetch Kafka's jars once per user into a cache; nothing in it is trusted without its SHA-256.

`kafka-jars.txt` beside this file holds coordinates and checksums, never hosts. Each jar is written
under another name and renamed when it is whole, so that an interrupted fetch goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from app.stack.errors import FetchError
from app.stack.maven import Artifact, read_artifacts, repository_url

KAFKA_VERSION = "4.1.2"
LISTING = Path(__file__).with_name("kafka-jars.txt")
PARALLEL_DOWNLOADS = 6
ATTEMPTS = 4
FIRST_WAIT_SECONDS = 1.0
TIMEOUT_SECONDS = 60

Progress = Callable[[int, int, int], None]
"""Called after each jar with (jars done, jars in all, bytes downloaded so far)."""


def cache_directory() -> Path:
    """`$XDG_CACHE_HOME/tallystick`, else `~/.cache/tallystick`; in the checkout when that is not writable."""
    named = os.environ.get("XDG_CACHE_HOME")
    base = Path(named) if named else Path.home() / ".cache"
    wanted = base / "tallystick"
    try:
        wanted.mkdir(parents=True, exist_ok=True)
    except OSError:
        wanted = Path(__file__).resolve().parents[2] / ".local" / "cache"
        wanted.mkdir(parents=True, exist_ok=True)
    return wanted


def kafka_jars() -> list[Path]:
    """The jars of Kafka's class path. Raises FetchError when they were not fetched yet."""
    folder = cache_directory() / f"kafka-{KAFKA_VERSION}"
    jars = [folder / artifact.file_name for artifact in read_artifacts(LISTING)]
    missing = [jar.name for jar in jars if not jar.is_file()]
    if missing:
        raise FetchError(f"{len(missing)} of Kafka's {len(jars)} jars are not in {folder}; run `make setup`")
    return jars


def fetch_kafka(progress: Progress = lambda done, total, size: None) -> list[Path]:
    """Check every jar in the cache against its checksum, download those that are missing or wrong."""
    return fetch(read_artifacts(LISTING), cache_directory() / f"kafka-{KAFKA_VERSION}", progress)


def fetch(artifacts: Iterable[Artifact], folder: Path, progress: Progress) -> list[Path]:
    """Bring the artifacts into `folder`; raises FetchError naming the first that could not be had."""
    wanted = list(artifacts)
    folder.mkdir(parents=True, exist_ok=True)
    missing = [artifact for artifact in wanted if not _is_whole(folder / artifact.file_name, artifact)]
    done, downloaded = len(wanted) - len(missing), 0
    progress(done, len(wanted), downloaded)
    with ThreadPoolExecutor(PARALLEL_DOWNLOADS) as pool:
        try:
            for size in pool.map(lambda artifact: _bring(artifact, folder), missing):
                done, downloaded = done + 1, downloaded + size
                progress(done, len(wanted), downloaded)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [folder / artifact.file_name for artifact in wanted]


def _is_whole(path: Path, artifact: Artifact) -> bool:
    try:
        if path.stat().st_size != artifact.size_bytes:
            return False
        return hashlib.sha256(path.read_bytes()).hexdigest() == artifact.sha256
    except FileNotFoundError:
        return False


def _bring(artifact: Artifact, folder: Path) -> int:
    url = f"{repository_url()}/{artifact.path}"
    content = _download(url)
    found = hashlib.sha256(content).hexdigest()
    if found != artifact.sha256:
        raise FetchError(f"{url} has SHA-256 {found}, but {artifact.sha256} was expected; nothing was kept")
    _store(folder / artifact.file_name, content)
    return len(content)


def _store(target: Path, content: bytes) -> None:
    handle, partial = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(partial, 0o644)
        os.replace(partial, target)
    except OSError as error:
        Path(partial).unlink(missing_ok=True)
        raise FetchError(f"cannot write {target}: {error.strerror}") from error


def _download(url: str) -> bytes:
    """Read a URL, trying again after short waits; a refusal (4xx) is final."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as response:
                content: bytes = response.read()
                return content
        except urllib.error.HTTPError as error:
            reason: object = f"HTTP {error.code}"
            final = error.code < 500 and error.code != 429
        except (urllib.error.URLError, OSError) as error:
            reason, final = getattr(error, "reason", error), False
        if final or attempt == ATTEMPTS:
            raise FetchError(f"cannot download {url}: {reason}. Kafka needs it once; is the network there?")
        time.sleep(FIRST_WAIT_SECONDS * 2 ** (attempt - 1))
    raise AssertionError("the last attempt returns or raises")
