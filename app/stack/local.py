"""The local stack: one Kafka and one PostgreSQL whose data, ports, logs and pids all live in one folder, DIR.

DIR/env          KAFKA_BOOTSTRAP_SERVERS= and DATABASE_URL=, while the stack is up
DIR/ports.json   the ports, kept from one start to the next
DIR/kafka/       settings, server.log, data/
DIR/postgres/    cluster/ with server.log and data/ (or `location`, the path where these are)
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from app.stack.errors import FetchError, StackError
from app.stack.fetch import Progress, fetch_kafka, kafka_jars
from app.stack.kafka import Kafka
from app.stack.port_book import PortBook
from app.stack.ports import LOOPBACK
from app.stack.postgres import Postgres

NEEDED_FREE_BYTES = 512 * 1024 * 1024
LOCK_SECONDS = 180
KAFKA_VARIABLE = "KAFKA_BOOTSTRAP_SERVERS"
DATABASE_VARIABLE = "DATABASE_URL"


@dataclass(frozen=True)
class Addresses:
    """Where Kafka (comma-separated host:port) and PostgreSQL (a DSN for asyncpg) are."""

    kafka_bootstrap_servers: str
    database_url: str

    def as_environment(self) -> dict[str, str]:
        return {KAFKA_VARIABLE: self.kafka_bootstrap_servers, DATABASE_VARIABLE: self.database_url}


@dataclass(frozen=True)
class ServerStatus:
    """One server: its pid if it runs, its port if it ever ran, and whether it answers clients."""

    name: str
    pid: int | None
    port: int | None
    ready: bool


def addresses_in(environment: Mapping[str, str]) -> Addresses | None:
    """The addresses given by the environment; None when there are none. Raises StackError for one alone."""
    kafka, database = environment.get(KAFKA_VARIABLE), environment.get(DATABASE_VARIABLE)
    if kafka and database:
        return Addresses(kafka, database)
    if kafka or database:
        given, missing = (KAFKA_VARIABLE, DATABASE_VARIABLE) if kafka else (DATABASE_VARIABLE, KAFKA_VARIABLE)
        raise StackError(
            f"{given} is set but {missing} is not; set both to use servers of your own, "
            "or neither to use the local stack"
        )
    return None


def ensure(directory: Path) -> Addresses:
    """The environment's addresses if it gives them, else those of the local stack in DIR, started."""
    return addresses_in(os.environ) or LocalStack(directory).up()


class LocalStack:
    """The stack kept in one folder; every method may be called by another process than the one before."""

    def __init__(self, directory: Path | str) -> None:
        self.directory = Path(directory).absolute()
        self.env_file = self.directory / "env"
        self._ports = PortBook(self.directory / "ports.json")

    @property
    def kafka(self) -> Kafka:
        ports = self._ports
        return Kafka(self.directory / "kafka", ports.get("kafka") or 0, ports.get("kafka_controller") or 0)

    @property
    def postgres(self) -> Postgres:
        return Postgres(self.directory / "postgres", self._ports.get("postgres") or 0)

    @property
    def addresses(self) -> Addresses:
        """Where the servers are, or were when they last ran."""
        return Addresses(f"{LOOPBACK}:{self.kafka.port}", self.postgres.url)

    def up(
        self,
        kafka_port: int | None = None,
        postgres_port: int | None = None,
        progress: Progress = lambda done, total, size: None,
    ) -> Addresses:
        """Start what does not run; return when both accept clients, with `DIR/env` written.

        Ports not given are those of the last time, else free ones. Raises StackError; what this call had
        started by then is stopped again.
        """
        with _said_clearly(self.directory), self._locked():
            self._check_space()
            _have_jars(progress)
            self._settle_ports(kafka_port, postgres_port)
            with contextlib.ExitStack() as undo:
                self._start(undo)
                undo.pop_all()
            self._write_env()
        return self.addresses

    def down(self) -> bool:
        """Stop what runs, cleanly; the data stays. False when a server had to be killed."""
        if not self.directory.is_dir():
            return True
        with _said_clearly(self.directory), self._locked(), ThreadPoolExecutor(2) as pool:
            self.env_file.unlink(missing_ok=True)
            stopped = [pool.submit(self.kafka.stop), pool.submit(self.postgres.stop)]
            clean = [each.result() for each in stopped]  # both, also when the first was killed
        return all(clean)

    def status(self) -> list[ServerStatus]:
        """Kafka's and PostgreSQL's state, from the processes themselves."""
        kafka, postgres = self.kafka, self.postgres
        return [
            ServerStatus("Kafka", kafka.pid, kafka.port or None, kafka.is_ready()),
            ServerStatus("PostgreSQL", postgres.pid, postgres.port or None, postgres.is_ready()),
        ]

    def remove(self) -> None:
        """Stop both and delete DIR with everything in it, and the cluster where it lies elsewhere."""
        self.down()
        self.postgres.cluster.remove()
        shutil.rmtree(self.directory, ignore_errors=True)

    def kill_broker(self) -> None:
        """SIGKILL Kafka. For trials of what happens then."""
        self.kafka.kill()

    def start_broker(self) -> None:
        """Start Kafka alone, on its port, and wait until it is ready."""
        kafka = self.kafka
        kafka.start()
        kafka.wait_ready()

    def kill_database(self) -> None:
        """SIGKILL PostgreSQL with all its backends."""
        self.postgres.kill()

    def start_database(self) -> None:
        """Start PostgreSQL alone, on its port; returns when it has recovered and accepts connections."""
        self.postgres.start()

    def _settle_ports(self, kafka_port: int | None, postgres_port: int | None) -> None:
        running = self.kafka.pid is not None
        self._ports.settle("kafka", "Kafka", kafka_port, "--kafka-port", running)
        self._ports.settle("kafka_controller", "Kafka's controller", None, "--dir", running)
        running = self.postgres.pid is not None
        self._ports.settle("postgres", "PostgreSQL", postgres_port, "--postgres-port", running)
        self._ports.save()

    def _start(self, undo: contextlib.ExitStack) -> None:
        kafka, postgres = self.kafka, self.postgres
        if kafka.pid is None:
            undo.callback(kafka.stop)
        if postgres.pid is None:
            undo.callback(postgres.stop)
        kafka.start()
        postgres.start()
        kafka.wait_ready()

    def _write_env(self) -> None:
        lines = [f"{name}={value}\n" for name, value in self.addresses.as_environment().items()]
        fresh = self.env_file.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        fresh.touch(mode=0o600)  # it holds a password
        fresh.write_text("".join(lines), encoding="utf-8")
        fresh.replace(self.env_file)

    def _check_space(self) -> None:
        free = shutil.disk_usage(self.directory).free
        if free < NEEDED_FREE_BYTES:
            raise StackError(
                f"only {free // 2**20} MB are free where {self.directory} is; "
                f"the local stack needs {NEEDED_FREE_BYTES // 2**20} MB to start"
            )

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """One `up` or `down` per DIR at a time; the lock of a killed process is gone with it."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / "lock").open("a") as file:
            deadline = time.monotonic() + LOCK_SECONDS
            while not _try_lock(file.fileno()):
                if time.monotonic() > deadline:
                    raise StackError(f"another process is starting or stopping the stack in {self.directory}")
                time.sleep(0.05)
            yield


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _have_jars(progress: Progress) -> None:
    try:
        kafka_jars()
    except FetchError:
        fetch_kafka(progress)


@contextlib.contextmanager
def _said_clearly(directory: Path) -> Iterator[None]:
    """What the file system refuses (full, read-only, somebody else's) as one sentence."""
    try:
        yield
    except OSError as error:
        what = error.filename or directory
        raise StackError(f"the local stack in {directory} cannot use {what}: {error.strerror}") from error
