"""The error tree: one class per failure that somebody can act on.

TallystickError             said in one sentence, without a traceback, by `python -m app`
"""

from __future__ import annotations


class TallystickError(Exception):
    """A failure whose message is meant for the person at the command line.

    `exit_code` is what `python -m app <verb>` ends with when a verb raises it.
    """

    exit_code = 1
