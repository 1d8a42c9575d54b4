"""The environment, read once into one frozen struct. Names say their units; a bad value names its variable.

`KAFKA_BOOTSTRAP_SERVERS` and `DATABASE_URL` may be unset on a developer's machine: then what the local stack
wrote to `.local/env` holds (`python -m app stack up`).
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from app.access import Access, psp_access
from app.errors import ConfigurationError
from app.oidc_settings import OidcSettings, oidc_settings

ROOT: Final = Path(__file__).resolve().parents[1]
LOCAL_STACK: Final = ROOT / ".local"
"""Default folder of the local stack; its `env` file holds NAME=value lines."""

KAFKA: Final = "KAFKA_BOOTSTRAP_SERVERS"
DATABASE: Final = "DATABASE_URL"
START_STACK: Final = "start the local stack with `python -m app stack up`"
LOOPBACKS: Final = ("127.0.0.1", "localhost", "::1")
WEBHOOK_SECRETS: Final = re.compile(r"TALLYSTICK_PSP_([A-Z0-9_]+)_WEBHOOK_SECRETS")
WORKER_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What a process is told from outside. Configuration that decides money comes as records instead."""

    kafka_bootstrap_servers: str
    database_url: str
    """An asyncpg DSN. Holds a password: never to be logged."""
    web_bind: str
    web_port: int
    """0: the operating system chooses one."""
    public_url: str
    """Where the web is reached from outside, without a slash at its end: in links that payers are given."""
    data_dir: Path
    """A worker's own folder (tables on disk, its lock)."""
    worker_id: str
    """Stable over restarts; two live workers never share one."""
    partitions: int
    group_id: str = "tallystick"
    """Kafka consumer group; also Faust's app id, so changelog names follow it."""
    poll_milliseconds: int
    """How long a fetch waits for more records: latency against CPU (lane trial: 20 ms gives p50 50 ms)."""
    batch_max_records: int
    """Most records in one transaction."""
    session_timeout_seconds: float
    """A worker silent for so long loses its partitions."""
    heartbeat_seconds: float
    watchdog_interval_seconds: float
    stalled_seconds: float
    """Records wait and the position has not moved for so long: the watchdog reads them itself."""
    outbox_overdue_seconds: float
    timer_refire_seconds: float
    """A due timer that was sent but not taken back for so long is sent again."""
    dedup_table: bool
    """Whether `dedup_keys` answers before PostgreSQL does; the outcome is the same without it."""
    dedup_max_keys: int
    """Bound of `dedup_keys` per partition."""
    database_connections: int
    """Most connections of one process."""
    events_list: bool = True
    """Whether this worker writes what is on `payments.events` to the table behind `GET /v1/events`."""
    webhook_secrets: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    """PSP -> its live webhook secrets. Never to be logged."""
    upload_dir: Path = LOCAL_STACK / "uploads"
    """Where files lie that were handed in over HTTP, until they are read."""
    upload_max_bytes: int = 2 * 1024**3
    """Of one file."""
    psp_access: Mapping[str, Access] = field(default_factory=dict)
    """PSP -> how its API is reached. The executor needs it; a PSP without one is not called."""
    oidc: OidcSettings | None = None
    """Where people of staff sign in. None: the pages are open on loopback, and ask for a key elsewhere."""

    @property
    def web_is_loopback(self) -> bool:
        """Only then are the pages open without a key."""
        return self.web_bind in LOOPBACKS


def load_settings(environ: Mapping[str, str] | None = None, stack_dir: Path = LOCAL_STACK) -> Settings:
    """Read everything. Raises ConfigurationError that names the variable and what it should be."""
    read = Reader(os.environ if environ is None else environ)
    session = read.seconds("TALLYSTICK_SESSION_TIMEOUT_SECONDS", 10.0)
    worker_id = read.worker_id("TALLYSTICK_WORKER_ID")
    return Settings(
        kafka_bootstrap_servers=kafka_bootstrap_servers(read.environ, stack_dir),
        database_url=database_url(read.environ, stack_dir),
        web_bind=read.text("TALLYSTICK_WEB_BIND", LOOPBACKS[0]),
        web_port=read.integer("TALLYSTICK_WEB_PORT", 8080, 0, 65_535),
        public_url=read.url("TALLYSTICK_PUBLIC_URL", _local_url(read)),
        data_dir=Path(read.text("TALLYSTICK_DATA_DIR", str(stack_dir / "workers" / worker_id))).absolute(),
        worker_id=worker_id,
        partitions=read.integer("TALLYSTICK_PARTITIONS", 8, 1, 1000),
        poll_milliseconds=read.integer("TALLYSTICK_POLL_MILLISECONDS", 20, 1, 10_000),
        batch_max_records=read.integer("TALLYSTICK_BATCH_MAX_RECORDS", 2000, 1, 50_000),
        session_timeout_seconds=session,
        heartbeat_seconds=read.seconds("TALLYSTICK_HEARTBEAT_SECONDS", session / 4, at_most=session / 2),
        watchdog_interval_seconds=read.seconds("TALLYSTICK_WATCHDOG_INTERVAL_SECONDS", 0.5),
        stalled_seconds=read.seconds("TALLYSTICK_STALLED_SECONDS", 2.0),
        outbox_overdue_seconds=read.seconds("TALLYSTICK_OUTBOX_OVERDUE_SECONDS", 3.0),
        timer_refire_seconds=read.seconds("TALLYSTICK_TIMER_REFIRE_SECONDS", 30.0),
        dedup_table=read.switch("TALLYSTICK_DEDUP_TABLE", default=True),
        dedup_max_keys=read.integer("TALLYSTICK_DEDUP_MAX_KEYS", 1_000_000, 1, 100_000_000),
        database_connections=read.integer("TALLYSTICK_DATABASE_CONNECTIONS", 10, 2, 500),
        events_list=read.switch("TALLYSTICK_EVENTS_LIST", default=True),
        upload_dir=Path(read.text("TALLYSTICK_UPLOAD_DIR", str(stack_dir / "uploads"))).absolute(),
        upload_max_bytes=read.integer("TALLYSTICK_UPLOAD_MAX_BYTES", 2 * 1024**3, 1024, 1024**4),
        webhook_secrets=webhook_secrets(read.environ),
        psp_access=psp_access(read.environ),
        oidc=oidc_settings(read.environ),
    )


def _local_url(read: Reader) -> str:
    """For a developer's machine, where the port is known beforehand."""
    host = read.text("TALLYSTICK_WEB_BIND", LOOPBACKS[0])
    named = f"[{host}]" if ":" in host else host
    return f"http://{named}:{read.integer('TALLYSTICK_WEB_PORT', 8080, 0, 65_535)}"


def webhook_secrets_variable(psp: str) -> str:
    return f"TALLYSTICK_PSP_{psp.upper()}_WEBHOOK_SECRETS"


def webhook_secrets(environ: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """PSP -> secrets, from `TALLYSTICK_PSP_<NAME>_WEBHOOK_SECRETS`; several live ones with commas between."""
    found = {
        match[1].lower(): environ[match[0]] for match in map(WEBHOOK_SECRETS.fullmatch, environ) if match
    }
    secrets = {psp: tuple(filter(None, map(str.strip, text.split(",")))) for psp, text in found.items()}
    return {psp: several for psp, several in secrets.items() if several}


def database_url(environ: Mapping[str, str] | None = None, stack_dir: Path = LOCAL_STACK) -> str:
    """`DATABASE_URL`, else the local stack's; for verbs that need the database only."""
    url = _named_or_local(DATABASE, os.environ if environ is None else environ, stack_dir)
    if not url.startswith(("postgresql://", "postgres://")):
        # The value is not repeated: it may hold a password.
        raise ConfigurationError(f"{DATABASE} must begin with postgresql://")
    return url


def kafka_bootstrap_servers(environ: Mapping[str, str] | None = None, stack_dir: Path = LOCAL_STACK) -> str:
    """`KAFKA_BOOTSTRAP_SERVERS` as `host:port,host:port`, else the local stack's."""
    servers = _named_or_local(KAFKA, os.environ if environ is None else environ, stack_dir)
    for server in servers.split(","):
        host, _, port = server.strip().rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
            raise ConfigurationError(f"{KAFKA} must be host:port, comma-separated; {server.strip()!r} is not")
    return servers


def _named_or_local(name: str, environ: Mapping[str, str], stack_dir: Path) -> str:
    value = environ.get(name, "").strip() or read_env_file(stack_dir / "env").get(name, "")
    if not value:
        raise ConfigurationError(f"{name} is not set and {stack_dir / 'env'} does not name it: {START_STACK}")
    return value


def read_env_file(path: Path) -> dict[str, str]:
    """NAME=value lines; no file gives an empty dict."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from None
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, value in pairs}


@dataclass(frozen=True)
class Reader:
    """Typed reading of variables; an empty value counts as unset."""

    environ: Mapping[str, str]

    def text(self, name: str, default: str) -> str:
        return self.environ.get(name, "").strip() or default

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        text = self.text(name, str(default))
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", text) or not low <= int(text) <= high:
            raise ConfigurationError(f"{name} must be a whole number from {low} to {high}, not {text!r}")
        return int(text)

    def seconds(self, name: str, default: float, at_most: float = 86_400.0) -> float:
        text = self.text(name, "")
        if not text:
            return default
        if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", text) or not 0 < float(text) <= at_most:
            raise ConfigurationError(f"{name} must be seconds above 0 and at most {at_most:g}, not {text!r}")
        return float(text)

    def url(self, name: str, default: str) -> str:
        text = self.text(name, default).rstrip("/")
        if not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", text):
            raise ConfigurationError(f"{name} must be like https://pay.example.org, not {text!r}")
        return text

    def switch(self, name: str, *, default: bool) -> bool:
        text = self.text(name, "on" if default else "off").lower()
        if text not in ("on", "off"):
            raise ConfigurationError(f"{name} must be on or off, not {text!r}")
        return text == "on"

    def worker_id(self, name: str) -> str:
        """The host's name where it is unset: stable, and right as long as one worker runs per host."""
        host = re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname())[:64].lstrip(".-_")
        text = self.text(name, host or "worker")
        if not WORKER_ID.fullmatch(text):
            raise ConfigurationError(
                f"{name} must be 1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or digit; "
                f"not {text!r}"
            )
        return text
