"""What a process makes of its environment: defaults, the local stack, errors that name the variable."""

from pathlib import Path

import pytest

from app.errors import ConfigurationError
from app.settings import Settings, database_url, load_settings

SERVERS = {
    "KAFKA_BOOTSTRAP_SERVERS": "a:9092,b:9093",
    "DATABASE_URL": "postgresql://someone:s3cret@host/books",
}


def load(tmp_path: Path, **changed: str) -> Settings:
    return load_settings({**SERVERS, **changed}, tmp_path)


def test_defaults(tmp_path: Path) -> None:
    settings = load(tmp_path, TALLYSTICK_WORKER_ID="w-1")
    assert settings.kafka_bootstrap_servers == "a:9092,b:9093"
    assert (settings.web_bind, settings.web_port, settings.web_is_loopback) == ("127.0.0.1", 8080, True)
    assert (settings.partitions, settings.batch_max_records, settings.group_id) == (8, 2000, "tallystick")
    assert settings.data_dir == tmp_path / "workers" / "w-1"
    assert settings.heartbeat_seconds * 3 <= settings.session_timeout_seconds


def test_local_stack_fills_what_is_unset(tmp_path: Path) -> None:
    (tmp_path / "env").write_text(
        "# written by stack up\nKAFKA_BOOTSTRAP_SERVERS=local:1\nDATABASE_URL=postgresql:///x?host=/tmp/a=b\n"
    )
    settings = load_settings({}, tmp_path)
    assert settings.kafka_bootstrap_servers == "local:1"
    assert settings.database_url == "postgresql:///x?host=/tmp/a=b"
    assert (
        load_settings({"KAFKA_BOOTSTRAP_SERVERS": "other:2"}, tmp_path).kafka_bootstrap_servers == "other:2"
    )


@pytest.mark.parametrize("name", sorted(SERVERS))
def test_a_missing_server_says_how_to_get_one(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"{name}.*python -m app stack up"):
        load(tmp_path, **{name: ""})


def test_verbs_that_need_the_database_only(tmp_path: Path) -> None:
    assert database_url({"DATABASE_URL": "postgres://h/d"}, tmp_path) == "postgres://h/d"


def test_a_bad_database_url_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, DATABASE_URL="mysql://someone:s3cret@host/books")
    assert "DATABASE_URL" in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KAFKA_BOOTSTRAP_SERVERS", "host"),
        ("KAFKA_BOOTSTRAP_SERVERS", "host:0"),
        ("KAFKA_BOOTSTRAP_SERVERS", "host:99999"),
        ("KAFKA_BOOTSTRAP_SERVERS", "a:9092,,b:9092"),
        ("TALLYSTICK_WEB_PORT", "http"),
        ("TALLYSTICK_WEB_PORT", "-1"),
        ("TALLYSTICK_WEB_PORT", "65536"),
        ("TALLYSTICK_WEB_PORT", "٣"),
        ("TALLYSTICK_PARTITIONS", "0"),
        ("TALLYSTICK_PARTITIONS", "8.0"),
        ("TALLYSTICK_BATCH_MAX_RECORDS", "0"),
        ("TALLYSTICK_SESSION_TIMEOUT_SECONDS", "nan"),
        ("TALLYSTICK_SESSION_TIMEOUT_SECONDS", "0"),
        ("TALLYSTICK_HEARTBEAT_SECONDS", "9"),
        ("TALLYSTICK_DEDUP_TABLE", "yes"),
        ("TALLYSTICK_EVENTS_LIST", "yes"),
        ("TALLYSTICK_WORKER_ID", "../up"),
        ("TALLYSTICK_WORKER_ID", "a b"),
        ("TALLYSTICK_WORKER_ID", "w" * 65),
    ],
)
def test_a_bad_value_names_its_variable(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        load(tmp_path, **{name: value})


def test_an_unreadable_env_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "env").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="env cannot be read"):
        load_settings({}, tmp_path)
