"""A worker refuses to start where the world is not what the catalogues say, and says what differs."""

from __future__ import annotations

import types
from pathlib import Path

import pytest

from app.contracts.topics import specs
from app.errors import CatalogueMismatch
from app.kafka.topics_admin import ensure_topics
from app.run_worker import check_catalogue, check_own_tree
from tests.support.commands import environment, run_app


def worker_environment(kafka: str, database: str, folder: Path, **extra: str) -> dict[str, str]:
    names = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka,
        "DATABASE_URL": database,
        "TALLYSTICK_DATA_DIR": str(folder),
        "TALLYSTICK_WORKER_ID": "start-test",
    }
    return environment() | names | extra


async def test_other_partitions_than_the_topics_have(kafka: str, database: str, tmp_path: Path) -> None:
    await ensure_topics(kafka, specs(8))
    env = worker_environment(kafka, database, tmp_path, TALLYSTICK_PARTITIONS="5")
    done = run_app("worker", env=env)
    assert done.returncode == 1
    assert "topics differ from the catalogue" in done.stderr
    assert "payments.commands" in done.stderr
    assert "Traceback" not in done.stderr


async def test_no_broker(database: str, tmp_path: Path) -> None:
    env = worker_environment("127.0.0.1:1", database, tmp_path)
    done = run_app("worker", env=env)
    assert done.returncode == 1
    assert "127.0.0.1:1" in done.stderr
    assert "Traceback" not in done.stderr


def test_agents_or_tables_that_are_missing_or_unknown() -> None:
    check_catalogue("tables", ["a", "b"], ["b", "a"])
    with pytest.raises(CatalogueMismatch, match=r"missing \['b'\], unknown \['c'\]"):
        check_catalogue("tables", ["a", "c"], ["a", "b"])


def test_packages_of_another_distribution() -> None:
    other = types.ModuleType("agents")
    other.__file__ = "/elsewhere/site-packages/agents/__init__.py"
    with pytest.raises(CatalogueMismatch, match="agents comes from"):
        check_own_tree([other])
