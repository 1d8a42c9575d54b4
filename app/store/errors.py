"""PostgreSQL's and asyncpg's errors as what the caller must do next (`app/errors.py`)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg

from app.errors import BadData, ConfigurationError, FailStop, Moved, Stale, TallystickError, Transient

MOVED: Final = "TS001"
STALE: Final = "TS002"
GUARD: Final = "TS003"

STATE_TABLES: Final = frozenset(
    {"platform", "merchants", "payments", "payouts", "accounts", "claims", "parked", "timers", "items"}
    | {"mismatches", "effects"}
)
"""A row there that the decision did not see makes it stale; anywhere else it is a broken invariant."""

NOT_FOR_US: Final = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
)
"""The database is there and will not let us in, whenever we try."""

OTHER_SCHEMA: Final = (
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.UndefinedFunctionError,
    asyncpg.UndefinedObjectError,
)

AWAY: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.PostgresIOError,
    asyncpg.InvalidTransactionStateError,
)
"""Time or another connection cures these: the server is going, coming, full, or chose us as a victim."""


@contextmanager
def translated() -> Iterator[None]:
    """Turns what the driver raises inside into one of ours; everything else goes through untouched."""
    try:
        yield
    except TallystickError:
        raise
    except Exception as error:
        ours = translate(error)
        if ours is None:
            raise
        raise ours from error


def translate(error: Exception) -> TallystickError | None:
    """Our error for a driver's one; None where it is none of the driver's business."""
    if isinstance(error, asyncpg.PostgresError):
        return _of_server(error)
    if isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError):
        return BadData(f"the database's driver refuses a value: {error}")
    if isinstance(error, UnicodeEncodeError):
        return BadData(f"a text is not valid Unicode: {error}")
    if isinstance(error, asyncpg.InterfaceError | asyncpg.InternalClientError | OSError | TimeoutError):
        return Transient(f"no connection to PostgreSQL: {_words(error)}")
    return None


def _of_server(error: asyncpg.PostgresError) -> TallystickError | None:
    code: str = error.sqlstate or ""
    text = _words(error)
    if code == MOVED:
        return Moved(text)
    if code == STALE:
        return Stale()
    if code == GUARD:
        return FailStop(text)
    if isinstance(error, asyncpg.UniqueViolationError) and error.table_name in STATE_TABLES:
        return Stale()
    if isinstance(error, asyncpg.IntegrityConstraintViolationError):
        return FailStop(f"{text} ({error.detail})" if error.detail else text)
    if isinstance(error, NOT_FOR_US):
        return ConfigurationError(f"PostgreSQL refuses: {text}")
    if isinstance(error, OTHER_SCHEMA):
        return ConfigurationError(f"the database's schema is not this program's ({text}): migrate it")
    if isinstance(error, AWAY):
        return Transient(f"PostgreSQL: {text}")
    if code[:2] == "22" or isinstance(error, asyncpg.ProgramLimitExceededError):
        return BadData(f"PostgreSQL refuses a value: {text}")
    return None


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
