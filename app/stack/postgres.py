"""One PostgreSQL on the loopback interface, driven by its own initdb, pg_ctl and psql from a wheel."""

from __future__ import annotations

import secrets
import shutil
import signal
import subprocess
import time
from pathlib import Path

from app.stack import processes
from app.stack.accounts import Account, database_account
from app.stack.cluster import Cluster
from app.stack.errors import DidNotStart
from app.stack.ports import LOOPBACK
from app.stack.reasons import last_words

START_SECONDS = 120
STOP_SECONDS = 30
ORPHANS_SECONDS = 15
STILL_IN_USE = "pre-existing shared memory block"
FIRST_START = Path(__file__).with_name("first_start.sql")

# Durable (fsync, synchronous_commit stay on), sized for two cores shared with Kafka and the workers.
SETTINGS = """\
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
max_connections = 200
shared_buffers = 256MB
huge_pages = off
effective_cache_size = 2GB
work_mem = 16MB
maintenance_work_mem = 128MB
fsync = on
synchronous_commit = on
max_wal_size = 4GB
min_wal_size = 256MB
checkpoint_timeout = 15min
random_page_cost = 1.1
max_parallel_workers_per_gather = 0
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_min_messages = warning
log_line_prefix = '%m [%p] %d '
"""
ACCESS = "host all all 127.0.0.1/32 scram-sha-256\n"


class Postgres:
    """The server whose cluster is kept in (or noted in) `folder`. Role and database are `tallystick`."""

    def __init__(self, folder: Path, port: int, account: Account | None = None) -> None:
        self.folder = folder
        self.port = port
        self.account = account if account is not None else database_account()
        self.cluster = Cluster(folder, self.account)

    @property
    def url(self) -> str:
        """The DSN of the database `tallystick`, once the server was started."""
        return f"postgresql://tallystick:{self._password()}@{LOOPBACK}:{self.port}/tallystick"

    @property
    def log(self) -> Path:
        return self.cluster.log

    @property
    def pid(self) -> int | None:
        """The running server's pid, None when it does not run."""
        pid = processes.read_pid(self.cluster.data / "postmaster.pid")
        return pid if processes.is_ours(pid, self._mark) else None

    @property
    def _mark(self) -> str:
        return f"-D {self.cluster.data}"

    def is_ready(self) -> bool:
        """Whether it runs and accepts connections."""
        if self.pid is None:
            return False
        command = [self.cluster.program("pg_isready"), "-q", "-h", LOOPBACK, "-p", str(self.port)]
        return self.account.run(command).returncode == 0

    def start(self) -> None:
        """Start it unless it runs, and return when it accepts connections. Raises StackError, DidNotStart."""
        if self.pid is not None:
            return
        self.cluster.prepare()
        if not (self.cluster.data / "PG_VERSION").is_file():
            self._initialise()
        self._write("postgresql.conf", SETTINGS.format(port=self.port))
        self._write("pg_hba.conf", ACCESS)
        # A pid file left by a crash may name a process that is something else by now.
        (self.cluster.data / "postmaster.pid").unlink(missing_ok=True)
        self._start_server()
        self._psql(FIRST_START)

    def stop(self) -> bool:
        """End it cleanly, cutting its connections; False when it had to be killed."""
        pid = self.pid
        if pid is None:
            return True
        done = self._control("stop", "-m", "fast", "-t", str(STOP_SECONDS))
        if done.returncode != 0:
            self.kill()
        return done.returncode == 0

    def kill(self) -> None:
        """SIGKILL the server and every backend, as a crash of the machine would."""
        pid = self.pid
        if pid is None:
            return
        backends = processes.children(pid)
        processes.kill(pid, self._mark)
        for backend in backends:
            if "postgres" in processes.command_line(backend):
                processes.send(backend, signal.SIGKILL)
        processes.wait_until(lambda: not any(map(processes.command_line, backends)), ORPHANS_SECONDS)

    def _initialise(self) -> None:
        """Run initdb once; a half-made cluster never gets the real name."""
        fresh = self.cluster.home / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(self.cluster.data, ignore_errors=True)
        secret = self.cluster.home / "password"
        secret.touch(mode=0o600)
        secret.write_text(f"{self._password()}\n", encoding="ascii")
        self.account.own(secret, 0o600)
        options = ["-U", "postgres", "-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync"]
        command = [self.cluster.program("initdb"), "-D", str(fresh), *options, f"--pwfile={secret}"]
        done = self.account.run(command)
        secret.unlink()
        if done.returncode != 0:
            raise DidNotStart(f"PostgreSQL's cluster could not be made: {done.stderr.strip()[-400:]}")
        fresh.rename(self.cluster.data)

    def _start_server(self) -> None:
        """pg_ctl start, again while backends of a killed server still hold its shared memory."""
        deadline = time.monotonic() + ORPHANS_SECONDS
        while True:
            processes.keep_previous(self.log)
            done = self._control("start", "-l", str(self.log), "-t", str(START_SECONDS))
            if done.returncode == 0:
                return
            reason = last_words(self.log)
            if STILL_IN_USE not in reason or time.monotonic() > deadline:
                raise DidNotStart(f"PostgreSQL did not start: {reason} (see {self.log})")
            time.sleep(processes.POLL_SECONDS)

    def _control(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        pg_ctl = [self.cluster.program("pg_ctl"), "-w", "-D", str(self.cluster.data)]
        return self.account.run([*pg_ctl, *arguments])

    def _psql(self, script: Path) -> None:
        # Fed through the standard input: the account may be unable to read the checkout.
        address = ["-h", LOOPBACK, "-p", str(self.port), "-U", "postgres", "-d", "postgres"]
        command = [self.cluster.program("psql"), "-X", "-q", *address]
        done = self.account.run(command, script.read_text(encoding="utf-8"), PGPASSWORD=self._password())
        if done.returncode != 0:
            raise DidNotStart(f"PostgreSQL could not be prepared: {done.stderr.strip()[-400:]}")

    def _write(self, name: str, text: str) -> None:
        path = self.cluster.data / name
        path.write_text(text, encoding="utf-8")
        self.account.own(path, 0o600)

    def _password(self) -> str:
        """Made once; whoever can read DIR can read it."""
        path = self.folder / "password"
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            path.write_text(secrets.token_hex(16), encoding="ascii")
        return path.read_text(encoding="ascii").strip()
