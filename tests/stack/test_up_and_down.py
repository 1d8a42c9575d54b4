"""The local stack as a person meets it: up, status, down, and what a crash leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from app.stack.local import Addresses, LocalStack
from app.stack.processes import command_line
from tests.support.commands import CHECKOUT, run_app
from tests.support.waiting import free_port, wait_for

pytestmark = pytest.mark.stack
TOPIC = "tallies"


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """A DIR whose servers are stopped, and whose cluster is deleted, whatever the test did."""
    yield tmp_path / "stack"
    LocalStack(tmp_path / "stack").remove()


def read_env(directory: Path) -> Addresses:
    lines = (directory / "env").read_text(encoding="utf-8").splitlines()
    values = dict(line.split("=", 1) for line in lines)
    return Addresses(values["KAFKA_BOOTSTRAP_SERVERS"], values["DATABASE_URL"])


async def write_both(addresses: Addresses) -> None:
    connection = await asyncpg.connect(addresses.database_url)
    await connection.execute("CREATE TABLE tallies (notches int NOT NULL)")
    await connection.execute("INSERT INTO tallies VALUES (7)")
    await connection.close()
    admin = AIOKafkaAdminClient(bootstrap_servers=addresses.kafka_bootstrap_servers)
    await admin.start()
    await admin.create_topics([NewTopic(TOPIC, 1, 1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=addresses.kafka_bootstrap_servers, acks="all") as producer:
        await producer.send_and_wait(TOPIC, b"seven")


async def read_both(addresses: Addresses) -> tuple[int, bytes]:
    connection = await asyncpg.connect(addresses.database_url)
    notches = await connection.fetchval("SELECT notches FROM tallies")
    await connection.close()
    consumer = AIOKafkaConsumer(bootstrap_servers=addresses.kafka_bootstrap_servers)
    await consumer.start()
    partition = TopicPartition(TOPIC, 0)
    consumer.assign([partition])
    await consumer.seek_to_beginning(partition)
    record = await consumer.getone()
    await consumer.stop()
    return notches, record.value


def pids(directory: Path) -> list[int]:
    return [server.pid for server in LocalStack(directory).status() if server.pid is not None]


async def test_down_keeps_data_and_ports_and_up_recovers_from_a_crash(directory: Path) -> None:
    up = run_app("stack", "up", "--dir", directory)
    assert up.returncode == 0, up.stderr
    assert run_app("stack", "status", "--dir", directory).returncode == 0
    first = read_env(directory)
    await write_both(first)

    down = run_app("stack", "down", "--dir", directory)
    assert (down.returncode, down.stdout) == (0, "Stopped Kafka and PostgreSQL.\n")
    assert not (directory / "env").exists()
    status = run_app("stack", "status", "--dir", directory)
    assert (status.returncode, status.stdout.count("not running")) == (3, 2)

    assert run_app("stack", "up", "--dir", directory).returncode == 0
    assert read_env(directory) == first
    assert await read_both(first) == (7, b"seven")

    killed = pids(directory)
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not pids(directory), 10, "the end of what was killed")
    # By now the noted pid may belong to a stranger; ours is alive, and is no Kafka.
    (directory / "kafka" / "pid").write_text(f"{os.getpid()}\n", encoding="utf-8")
    again = run_app("stack", "up", "--dir", directory)
    assert again.returncode == 0, again.stderr
    assert await read_both(read_env(directory)) == (7, b"seven")
    assert len(pids(directory)) == 2
    assert not set(pids(directory)) & {*killed, os.getpid()}


def test_up_of_what_runs_changes_nothing_but_refuses_another_port(local_stack: LocalStack) -> None:
    before = (local_stack.addresses, pids(local_stack.directory))
    assert run_app("stack", "up", "--dir", local_stack.directory).returncode == 0
    assert (local_stack.addresses, pids(local_stack.directory)) == before

    moved = run_app("stack", "up", "--dir", local_stack.directory, "--postgres-port", str(free_port()))
    assert moved.returncode == 1
    assert moved.stderr.startswith("tallystick: PostgreSQL runs on port")
    assert pids(local_stack.directory) == before[1]


def test_a_killed_broker_and_database_come_back_on_their_ports(local_stack: LocalStack) -> None:
    addresses, before = local_stack.addresses, pids(local_stack.directory)
    local_stack.kill_broker()
    local_stack.kill_database()
    assert not any(server.ready for server in local_stack.status())
    local_stack.start_database()
    local_stack.start_broker()
    assert all(server.ready for server in local_stack.status())
    assert local_stack.addresses == addresses
    assert not set(pids(local_stack.directory)) & set(before)


def test_a_run_that_is_killed_leaves_no_server_behind(directory: Path) -> None:
    script = (
        "import os, sys; from app.stack.local import LocalStack; from tests.support.guard import guarded\n"
        "with guarded(LocalStack(sys.argv[1])) as stack:\n"
        "    stack.directory.mkdir(); stack._ports.settle('postgres', 'PostgreSQL', None, '', False)\n"
        "    stack._ports.save(); stack.start_database(); print(stack.postgres.pid, flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    command = [sys.executable, "-c", script, str(directory)]
    killed = subprocess.run(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL
    wait_for(lambda: not command_line(int(killed.stdout)), 20, "the end of the server")
    wait_for(lambda: not directory.exists(), 20, "the end of its data")


async def test_the_database_role_is_no_superuser_and_durability_is_on(local_stack: LocalStack) -> None:
    connection = await asyncpg.connect(local_stack.addresses.database_url)
    try:
        settings = ("is_superuser", "fsync", "synchronous_commit")
        found = [await connection.fetchval("SELECT current_setting($1)", name) for name in settings]
    finally:
        await connection.close()
    assert found == ["off", "on", "on"]
