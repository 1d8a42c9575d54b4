"""Find the line of a server's log that tells a person why it did not start."""

from __future__ import annotations

import shutil
from pathlib import Path

TAIL_BYTES = 64 * 1024
TELLING = ("No space left on device", "Address already in use", "OutOfMemoryError", "Permission denied")
NEARLY_FULL_BYTES = 8 * 1024 * 1024
SERIOUS = ("FATAL", "PANIC", "ERROR", "Exception")


def last_words(log: Path) -> str:
    """The most telling of the log's last lines, cut to 300 characters.

    A server on a full disk may be unable to log even that, so the disk is asked as well.
    """
    if log.parent.is_dir() and shutil.disk_usage(log.parent).free < NEARLY_FULL_BYTES:
        return f"no space is left on the disk that holds {log.parent}"
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL_BYTES))
            lines = [line.strip() for line in file.read().decode(errors="replace").splitlines()]
    except OSError as error:
        return f"its log cannot be read: {error.strerror}"
    for words in (TELLING, SERIOUS):
        for line in reversed(lines):
            if any(word in line for word in words):
                return line[:300]
    return next((line[:300] for line in reversed(lines) if line), "its log is empty")
