"""Loopback ports for the local servers, and whether somebody listens on one."""

from __future__ import annotations

import random
import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"
LOWEST_PORT = 15000
DEFAULT_EPHEMERAL_START = 32768


def free_port() -> int:
    """A free port outside the range from which the system numbers outgoing connections.

    While a broker is down its clients keep connecting to its port. Were that an ephemeral one, the system
    could give the same number to such a client, which then talks to itself and keeps the broker from binding.
    """
    chooser = random.SystemRandom()
    for _ in range(200):
        port = chooser.randrange(LOWEST_PORT, _ephemeral_start())
        if is_free(port):
            return port
    with socket.socket() as any_port:
        any_port.bind((LOOPBACK, 0))
        number: int = any_port.getsockname()[1]
        return number


def is_free(port: int) -> bool:
    """Whether a server could bind the port now (a port in TIME_WAIT counts as free)."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((LOOPBACK, port))
            trial.listen(1)
        except OSError:
            return False
        return True


def _ephemeral_start() -> int:
    try:
        low = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError):
        return DEFAULT_EPHEMERAL_START
    return low if low > LOWEST_PORT + 1000 else DEFAULT_EPHEMERAL_START
