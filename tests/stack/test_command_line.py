"""The one way in: lazy verbs, one line per failure, a clean Ctrl-C."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.__main__ import main
from app.stack.errors import StackError
from tests.support.commands import CHECKOUT, app_command, environment, run_app
from tests.support.waiting import wait_for


def test_help_lists_the_verbs_that_exist_without_loading_any() -> None:
    script = (
        "import sys; sys.argv = ['app', '--help']; import runpy\n"
        "try: runpy.run_module('app', run_name='__main__')\n"
        "except SystemExit as end: assert not end.code\n"
        "print(sorted({'faust', 'aiokafka', 'asyncpg', 'aiohttp', 'app.cli.stack'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    assert "Start, stop and show the local Kafka and PostgreSQL." in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"
    listed = {
        line.split()[0] for line in done.stdout.partition("Verbs:")[2].splitlines() if line.startswith("  ")
    }
    files = {path.stem.replace("_", "-") for path in (CHECKOUT / "app" / "cli").glob("[a-z]*.py")}
    assert files <= listed


def test_every_verb_has_help() -> None:
    for path in sorted((CHECKOUT / "app" / "cli").glob("[a-z]*.py")):
        verb = path.stem.replace("_", "-")
        result = CliRunner().invoke(main, [verb, "--help"])
        assert result.exit_code == 0, f"{verb}: {result.output}"


def test_an_unknown_verb_is_refused() -> None:
    done = run_app("stak")
    assert done.returncode == 2
    assert "No such command 'stak'" in done.stderr


def test_a_failure_is_one_line_on_the_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refused(StackError):
        exit_code = 2

    def refuse(*_: object) -> None:
        raise Refused("the sticks do not match")

    monkeypatch.setattr("app.stack.local.LocalStack.status", refuse)
    result = CliRunner().invoke(main, ["stack", "status"])
    assert (result.exit_code, result.stderr) == (2, "tallystick: the sticks do not match\n")


def test_ctrl_c_ends_with_130_and_without_a_traceback(tmp_path: Path) -> None:
    import fcntl

    directory = tmp_path / "stack"
    directory.mkdir()
    with (directory / "lock").open("a") as lock, (tmp_path / "said").open("w+") as said:
        fcntl.flock(lock, fcntl.LOCK_EX)  # `up` waits for whoever holds this
        process = subprocess.Popen(
            app_command("stack", "up", "--dir", directory), cwd=CHECKOUT, env=environment(), stderr=said
        )
        wait_for(lambda: has_open(process.pid, directory / "lock"), 20, "its turn to wait")
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        said.seek(0)
        assert "Traceback" not in said.read()


def has_open(pid: int, path: Path) -> bool:
    if not Path("/proc/self/fd").exists():
        pytest.skip("needs /proc to see what another process waits for")
    try:
        return any(Path(descriptor).resolve() == path for descriptor in Path(f"/proc/{pid}/fd").iterdir())
    except FileNotFoundError:
        return False
