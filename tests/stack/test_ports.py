"""Ports stay the same from start to start, unless they were ours to choose and somebody took them."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from app.stack.errors import PortBusy, StackError
from app.stack.port_book import PortBook
from app.stack.ports import free_port, is_free


def settle(path: Path, asked: int | None = None, running: bool = False) -> int:
    book = PortBook(path)
    book.settle("kafka", "Kafka", asked, "--kafka-port", running)
    book.save()
    port = book.get("kafka")
    assert port is not None
    return port


def test_a_chosen_port_is_kept_until_it_is_taken(tmp_path: Path) -> None:
    port = settle(tmp_path / "ports.json")
    assert settle(tmp_path / "ports.json") == port
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        assert not is_free(port)
        assert settle(tmp_path / "ports.json") != port


def test_a_port_that_was_asked_for_is_never_exchanged(tmp_path: Path) -> None:
    port = free_port()
    assert settle(tmp_path / "ports.json", port) == port
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        with pytest.raises(PortBusy, match=f"port {port} on 127.0.0.1, meant for Kafka"):
            settle(tmp_path / "ports.json")


def test_a_running_server_is_not_moved(tmp_path: Path) -> None:
    port = settle(tmp_path / "ports.json")
    with socket.socket() as server:
        server.bind(("127.0.0.1", port))
        server.listen()
        assert settle(tmp_path / "ports.json", running=True) == port
        with pytest.raises(StackError, match=f"Kafka runs on port {port}; stop it first"):
            settle(tmp_path / "ports.json", free_port(), running=True)


def test_a_damaged_file_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text('{"kafka": 7', encoding="ascii")
    assert PortBook(tmp_path / "ports.json").get("kafka") is None
    assert is_free(settle(tmp_path / "ports.json"))
