"""Every error the program raises on purpose, as one tree.

An error names what the *caller* must do next, not where it was raised:

    TallystickError                 shown as one line by the command line, exit code 1
    ├── ConfigurationError          the environment or a file is wrong: fix it (exit code 2)
    ├── CatalogueMismatch           topics, partitions, agents or tables differ from the code: do not start
    ├── Transient                   try again after a pause (database or broker away)
    ├── Moved                       the position is elsewhere: forget what is cached and look again
    ├── Stale                       rows changed under the decision: reload these, decide again
    ├── BadData                     the database refuses this data: split the batch, find the record
    ├── LogTruncated                the log no longer holds the position: halt loudly, never skip
    └── FailStop                    an invariant is broken: leave the process at once
"""

from collections.abc import Collection
from typing import Any


class TallystickError(Exception):
    """Base of all errors raised on purpose; its text is one clear sentence."""

    exit_code = 1


class ConfigurationError(TallystickError):
    """The environment, an option or a file is wrong; the text says what and where."""

    exit_code = 2


class CatalogueMismatch(TallystickError):
    """Topics, partitions, agents or tables are not what the catalogues say."""


class Transient(TallystickError):
    """The database or the broker did not answer; the same call may succeed later."""


class Moved(TallystickError):
    """The compare-and-swap of the position found another position: a hole, a replay or a zombie."""


class Stale(TallystickError):
    """State rows are not what the decision saw. `refs` may be empty where it is not known which."""

    def __init__(self, refs: Collection[Any] = ()) -> None:
        super().__init__(f"{len(refs)} rows changed under the decision")
        self.refs = tuple(refs)


class BadData(TallystickError):
    """The database refuses a value (NUL in text, out of range): one record of the batch is poison."""


class LogTruncated(TallystickError):
    """Records between the position and the log's beginning are gone."""


class FailStop(TallystickError):
    """A broken invariant; nothing after this point may run."""
