"""The system account PostgreSQL runs under: our own, or `nobody` when we are root, which it refuses to be."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.stack.errors import StackError

UNPRIVILEGED = "nobody"


@dataclass(frozen=True)
class Account:
    """Numeric user and group to run a command as; both None mean the account we have already."""

    user: int | None = None
    group: int | None = None

    def run(
        self, command: Sequence[str], standard_input: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end as this account, in `/`, capturing what it says. Never raises on failure.

        A program that the account may not reach gives the return code 126, as a shell does.
        """
        try:
            return subprocess.run(
                command,
                cwd="/",
                env={**_plain_environment(), **environment},
                input=standard_input,
                capture_output=True,
                text=True,
                check=False,
                user=self.user,
                group=self.group,
                extra_groups=None if self.user is None else [],
            )
        except OSError as error:
            return subprocess.CompletedProcess(command, 126, "", f"{command[0]}: {error.strerror}")

    def own(self, path: Path, mode: int) -> None:
        """Give a file or folder of ours to the account, with these permissions."""
        if self.user is not None and self.group is not None:
            os.chown(path, self.user, self.group)
        path.chmod(mode)


def database_account() -> Account:
    """The account for PostgreSQL. Raises StackError when we are root and there is nobody else."""
    if os.geteuid() != 0:
        return Account()
    try:
        entry = pwd.getpwnam(UNPRIVILEGED)
    except KeyError:
        raise StackError(
            f"PostgreSQL refuses to run as root, and this system has no user {UNPRIVILEGED!r} to run it as; "
            "run this as an ordinary user, or set DATABASE_URL to a PostgreSQL that runs elsewhere"
        ) from None
    return Account(entry.pw_uid, entry.pw_gid)


def _plain_environment() -> dict[str, str]:
    """Ours without the PG… variables, which would redirect the tools, and with messages in English."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**kept, "LC_ALL": "C"}
