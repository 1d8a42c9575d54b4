"""Endpoints' secrets: the same in every process, another for every endpoint and generation, kept nowhere."""

from __future__ import annotations

import base64
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.effects.secrets import FILE_NAME, VARIABLE, EndpointSecrets, load_endpoint_secrets
from app.errors import ConfigurationError

NAMED = {VARIABLE: "0123456789abcdef0123456789abcdef"}
IDS = st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789_-.", min_size=1, max_size=4)


def test_a_secret_is_the_standards_and_never_changes() -> None:
    """A data format: another derivation would invalidate what merchants have."""
    secret = load_endpoint_secrets(NAMED).secret("m-1", "we_1", 1)
    assert secret == "whsec_imd1YDl+YQh6qVs4BSQKCw2U7dRuYQA85+FIUFM42pI="
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32


@given(st.lists(st.tuples(IDS, IDS, st.integers(1, 9)), min_size=2, max_size=8, unique=True))
def test_no_two_share_a_secret(endpoints: list[tuple[str, str, int]]) -> None:
    secrets = load_endpoint_secrets(NAMED)
    assert len({secrets.secret(*endpoint) for endpoint in endpoints}) == len(endpoints)


def test_another_installation_has_other_secrets() -> None:
    other = {VARIABLE: NAMED[VARIABLE][::-1]}
    one, two = (load_endpoint_secrets(environ).secret("m-1", "we_1", 1) for environ in (NAMED, other))
    assert one != two


def test_too_short_a_secret_names_the_variable() -> None:
    with pytest.raises(ConfigurationError, match=VARIABLE):
        load_endpoint_secrets({VARIABLE: "short"})


def test_without_the_variable_all_processes_use_one_file(tmp_path: Path) -> None:
    folder = tmp_path / "stack"
    assert not folder.exists()
    with ThreadPoolExecutor(16) as threads:
        secrets = list(threads.map(lambda _: EndpointSecrets(None, folder).secret("m", "we", 1), range(64)))
    assert len(set(secrets)) == 1
    assert [path.name for path in folder.iterdir()] == [FILE_NAME]
    assert stat.S_IMODE((folder / FILE_NAME).stat().st_mode) == 0o600


def test_nothing_is_made_before_it_is_needed(tmp_path: Path) -> None:
    load_endpoint_secrets({}, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_names_the_variable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match=VARIABLE):
        EndpointSecrets(None, tmp_path / "file" / "stack").secret("m", "we", 1)
