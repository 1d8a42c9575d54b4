"""Whether a read failed because the database is not there for us now, or because of a mistake of ours."""

from __future__ import annotations

from typing import Final

import asyncpg

from app.errors import ConfigurationError, Transient
from app.store.errors import translate

NOT_MIGRATED: Final = (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError)


def is_unavailable(error: Exception) -> bool:
    """Away, refusing us, too slow, or not migrated: everything an operator cures and a client may retry."""
    if isinstance(error, (Transient, ConfigurationError, *NOT_MIGRATED)):
        return True
    return isinstance(translate(error), Transient | ConfigurationError)
