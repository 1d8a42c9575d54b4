"""End a test run's servers also when the run itself is killed and no fixture gets to clean up."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from app.stack.local import LocalStack
from tests.support.commands import CHECKOUT

# The pipe's other end is ours alone: it closes when we close it or when we die, however we die.
GUARD = (
    "import sys; sys.stdin.read(); from app.stack.local import LocalStack; LocalStack(sys.argv[1]).remove()"
)


@contextmanager
def guarded(stack: LocalStack) -> Iterator[LocalStack]:
    """The stack, which is stopped and deleted at the end, whether the end is orderly or not."""
    command = [sys.executable, "-c", GUARD, str(stack.directory)]
    with subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.PIPE, start_new_session=True):
        yield stack
