"""The limit on open files, in a process of its own: what is raised there stays there."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys
from app.open_files import allow_many_files
soft, hard, enough = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
print(allow_many_files(enough), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


@pytest.mark.parametrize(
    ("soft", "hard", "enough", "after"),
    [(256, 900, 500, 500), (256, 900, 5_000, 900), (800, 900, 500, 800)],
)
def test_the_soft_limit_is_raised_as_far_as_it_goes(soft: int, hard: int, enough: int, after: int) -> None:
    command = [sys.executable, "-c", PROGRAM, *map(str, (soft, hard, enough))]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split() == [str(after), str(after)]
