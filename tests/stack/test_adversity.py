"""What can be in the way of the local stack is handled, or said in one clear sentence."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.stack import reasons
from app.stack.errors import StackError
from app.stack.local import LocalStack, addresses_in
from app.stack.ports import free_port
from app.stack.postgres import Postgres
from tests.support.commands import environment, run_app

pytestmark = pytest.mark.stack


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port: int = other.getsockname()[1]
        yield port


@pytest.mark.parametrize("option", ["--kafka-port", "--postgres-port"])
def test_a_busy_port_is_said_and_nothing_is_started(tmp_path: Path, busy_port: int, option: str) -> None:
    done = run_app("stack", "up", "--dir", tmp_path / "stack", option, str(busy_port))
    assert done.returncode == 1
    assert f"port {busy_port} on 127.0.0.1" in done.stderr
    assert option in done.stderr
    assert done.stderr.count("\n") == 1
    assert not any(server.pid for server in LocalStack(tmp_path / "stack").status())


def test_servers_given_by_the_environment_are_used_and_nothing_is_started(tmp_path: Path) -> None:
    given = environment(
        KAFKA_BOOTSTRAP_SERVERS="kafka.example:9092", DATABASE_URL="postgresql://db.example/x"
    )
    done = run_app("stack", "up", "--dir", tmp_path / "stack", env=given)
    assert done.returncode == 0
    assert "nothing was started" in done.stdout
    assert not (tmp_path / "stack").exists()


@pytest.mark.parametrize("only", ["KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL"])
def test_one_address_without_the_other_is_refused(only: str) -> None:
    with pytest.raises(StackError, match=f"^{only} is set but"):
        addresses_in({only: "somewhere"})


def test_a_write_onto_a_full_disk_is_said(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full, a device that is always full")
    (tmp_path / "ports.new").symlink_to("/dev/full")
    with pytest.raises(StackError, match="No space left on device"):
        LocalStack(tmp_path).up()


def test_too_little_space_is_said_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.stack.local.NEEDED_FREE_BYTES", 2**60)
    with pytest.raises(StackError, match=r"only \d+ MB are free where"):
        LocalStack(tmp_path).up()
    assert not any(server.pid for server in LocalStack(tmp_path).status())


def test_the_reason_of_a_failed_start_is_the_telling_line_of_the_log(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_text("starting\njava.net.BindException: Address already in use\nERROR stopping\nbye\n", "utf-8")
    assert reasons.last_words(log) == "java.net.BindException: Address already in use"
    log.write_text("starting\n\n", "utf-8")
    assert reasons.last_words(log) == "starting"
    assert reasons.last_words(tmp_path / "none.log") == "its log cannot be read: No such file or directory"


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    done = run_app("stack", "up", "--dir", tmp_path / "file" / "stack")
    assert done.returncode == 1
    assert "Not a directory" in done.stderr
    assert "Traceback" not in done.stderr


def modes(path: Path) -> dict[Path, tuple[int, int, int]]:
    """Permissions, owner and group of a folder and of all its parents."""
    stats = {each: each.stat() for each in (path, *path.parents)}
    return {each: (stat.st_mode, stat.st_uid, stat.st_gid) for each, stat in stats.items()}


def test_nothing_outside_dir_changes_permissions_even_below_a_private_home(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    before = modes(home)
    server = Postgres(home / "stack" / "postgres", free_port())
    try:
        server.start()
        assert server.is_ready()
        assert modes(home) == before
        assert server.cluster.home.stat().st_mode & 0o777 == 0o700
        assert server.cluster.home.stat().st_uid != 0
        assert server.cluster.home.is_relative_to(home) == (os.geteuid() != 0)
    finally:
        server.stop()
        server.cluster.remove()
    assert modes(home) == before
    assert not server.cluster.home.exists()


def test_a_half_made_cluster_is_made_anew_and_a_vanished_one_is_said(tmp_path: Path) -> None:
    server = Postgres(tmp_path / "postgres", free_port())
    server.cluster.prepare()
    try:
        for leftover in ("data.new", "data"):
            (server.cluster.home / leftover / "base").mkdir(parents=True)
        server.start()
        assert server.is_ready()
    finally:
        server.stop()
        server.cluster.remove()
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "location").write_text(f"{tmp_path / 'gone'}\n", encoding="utf-8")
    with pytest.raises(StackError, match="which is gone"):
        server.start()
