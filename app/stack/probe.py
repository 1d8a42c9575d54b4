"""Ask a Kafka broker, with nothing but a socket, whether it is ready for clients."""

from __future__ import annotations

import socket
import struct

from app.stack.ports import LOOPBACK

METADATA_KEY = 3
METADATA_VERSION = 1
TIMEOUT_SECONDS = 2.0


def broker_is_ready(port: int) -> bool:
    """Whether the broker answers a metadata request and knows of at least one live broker: itself."""
    try:
        with socket.create_connection((LOOPBACK, port), TIMEOUT_SECONDS) as connection:
            connection.sendall(_metadata_request())
            size = struct.unpack(">i", _read(connection, 4))[0]
            _correlation_id, brokers = struct.unpack_from(">ii", _read(connection, size))
    except (OSError, struct.error):
        return False
    return int(brokers) > 0


def _metadata_request() -> bytes:
    """A request about no topic at all: header (key, version, correlation id, no client id), zero topics."""
    body = struct.pack(">hhihi", METADATA_KEY, METADATA_VERSION, 1, -1, 0)
    return struct.pack(">i", len(body)) + body


def _read(connection: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        piece = connection.recv(size - len(received))
        if not piece:
            raise ConnectionError("the broker closed the connection")
        received += piece
    return received
