"""The Procfile's runner: order, restarts, and TERM before KILL."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.stack.processes import command_line
from app.stack.procfile import ProcfileError, ProcfileRunner, read_procfile
from tests.support.waiting import wait_for

CHECKOUT = Path(__file__).resolve().parents[2]

# Each program says when it is ready, and what became of it.
PROGRAMS = """
import os, pathlib, signal, sys, time
here = pathlib.Path(os.environ["TALLYSTICK_DATA_DIR"])
def note(word):
    with open(here.parent / "notes", "a") as notes:
        notes.write(f"{os.environ['TALLYSTICK_WORKER_ID']} {word}\\n")
def polite(*_):
    note("ended")
    sys.exit(0)
kind = sys.argv[1]
if kind == "dying":
    sys.exit("ERROR out of ideas")
signal.signal(signal.SIGTERM, signal.SIG_IGN if kind == "stubborn" else polite)
note("ready")
while True:
    time.sleep(0.01)
"""

Make = Callable[..., ProcfileRunner]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Builds runners of the programs above, and stops them all at the end."""
    (tmp_path / "programs.py").write_text(PROGRAMS, encoding="utf-8")
    lines = [f"{kind}: '{sys.executable}' programs.py {kind}\n" for kind in ("polite", "stubborn", "dying")]
    (tmp_path / "Procfile").write_text("# programs\n\n" + "".join(lines), encoding="utf-8")
    runners: list[ProcfileRunner] = []

    def build(**options: object) -> ProcfileRunner:
        runners.append(ProcfileRunner(tmp_path / "Procfile", tmp_path / "run", **options))  # type: ignore[arg-type]
        return runners[-1]

    yield build
    for runner in runners:
        runner.stop()


def notes(tmp_path: Path) -> list[str]:
    path = tmp_path / "run" / "notes"
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def wait_for_note(tmp_path: Path, note: str, count: int = 1) -> None:
    wait_for(lambda: notes(tmp_path).count(note) >= count, 10, f"{count} × {note!r}")


def test_the_projects_procfile_names_web_and_worker() -> None:
    programs = read_procfile(CHECKOUT / "Procfile")
    assert programs == {
        "web": [".venv/bin/python", "-m", "app", "web"],
        "worker": [".venv/bin/python", "-m", "app", "worker"],
    }


def test_a_line_that_is_no_program_is_refused_by_number(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("web: run\nworker\n", encoding="utf-8")
    with pytest.raises(ProcfileError, match="line 2: expected `name: command`"):
        read_procfile(tmp_path / "Procfile")


def test_an_instance_that_is_killed_comes_back_under_its_name(make: Make, tmp_path: Path) -> None:
    ended: list[tuple[str, int]] = []
    runner = make(on_restart=lambda name, code: ended.append((name, code)))
    assert runner.start("polite", 2) == ["polite.1", "polite.2"]
    for name in runner.names:
        wait_for_note(tmp_path, f"{name} ready")
    other, first = runner.pid("polite.1"), runner.pid("polite.2")
    runner.kill("polite.2")
    wait_for_note(tmp_path, "polite.2 ready", 2)
    assert runner.pid("polite.2") not in (None, first)
    assert runner.pid("polite.1") == other
    assert (runner.starts("polite.1"), runner.starts("polite.2")) == (1, 2)
    assert ended == [("polite.2", -9)]


def test_an_instance_killed_for_good_stays_down_until_it_is_restarted(make: Make, tmp_path: Path) -> None:
    runner = make()
    runner.start("polite", 2)
    wait_for_note(tmp_path, "polite.1 ready")
    runner.kill("polite.1", come_back=False)
    wait_for(lambda: not runner.is_alive("polite.1"), 10, "its end")
    # The supervisor looks at all instances in one go: it restarts the second, and passed by the first.
    runner.kill("polite.2")
    wait_for(lambda: runner.starts("polite.2") == 2, 10, "the other's restart")
    assert runner.starts("polite.1") == 1
    runner.restart("polite.1")
    wait_for_note(tmp_path, "polite.1 ready", 2)


def test_stop_asks_first_and_kills_only_who_does_not_obey(make: Make, tmp_path: Path) -> None:
    runner = make(term_seconds=0.5)
    runner.start("polite")
    runner.start("stubborn")
    for name in runner.names:
        wait_for_note(tmp_path, f"{name} ready")
    pids = [runner.pid(name) for name in runner.names]
    assert runner.stop() == ["stubborn.1"]
    assert notes(tmp_path)[-1] == "polite.1 ended"
    assert not any(command_line(pid) for pid in pids if pid)


def test_a_paused_instance_stands_still_goes_on_and_can_be_ended(make: Make, tmp_path: Path) -> None:
    runner = make()
    runner.start("polite")
    wait_for_note(tmp_path, "polite.1 ready")
    runner.pause("polite.1")
    wait_for(lambda: state(runner.pid("polite.1")) == "T", 10, "the stop")
    runner.resume("polite.1")
    wait_for(lambda: state(runner.pid("polite.1")) in "RS", 10, "its going on")
    runner.pause("polite.1")
    assert runner.terminate("polite.1")
    assert notes(tmp_path)[-1] == "polite.1 ended"


def state(pid: int | None) -> str:
    """The one-letter state of a process: T is stopped."""
    entry = Path(f"/proc/{pid}/stat")
    if entry.exists():
        return entry.read_text(encoding="ascii").rpartition(")")[2].split()[0]
    shown = subprocess.run(["ps", "-o", "state=", "-p", str(pid)], capture_output=True, text=True, check=True)
    return shown.stdout.strip()[:1]


def test_a_program_that_ends_again_and_again_is_given_up_with_its_last_words(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.stack.instance.FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr("app.stack.instance.GIVE_UP_AFTER", 3)
    runner = make()
    runner.start("dying")
    with pytest.raises(ProcfileError, match=r"dying\.1 ended again and again: ERROR out of ideas"):
        runner.wait_ready("dying.1", lambda: False, within_seconds=20)
    assert runner.starts("dying.1") == 3


def test_what_a_killed_runner_left_is_ended_before_the_next_starts(make: Make, tmp_path: Path) -> None:
    script = (
        "import os, pathlib, sys; from app.stack.procfile import ProcfileRunner;"
        f"runner = ProcfileRunner(pathlib.Path({str(tmp_path / 'Procfile')!r}),"
        f" pathlib.Path({str(tmp_path / 'run')!r}));"
        "runner.start('stubborn'); print(runner.pid('stubborn.1'), flush=True); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run(
        [sys.executable, "-c", script], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, check=False
    )
    orphan = int(killed.stdout)
    assert command_line(orphan)
    runner = make()
    runner.start("polite")
    assert not command_line(orphan)


def test_two_runners_do_not_share_a_folder(make: Make, tmp_path: Path) -> None:
    runner = make()
    runner.start("polite")
    with pytest.raises(Exception, match=f"process {os.getpid()} is running these programs already"):
        make().start("polite")


def test_unknown_names_are_refused(make: Make) -> None:
    with pytest.raises(ProcfileError, match="no program 'wurker', only polite, stubborn, dying"):
        make().start("wurker")
    with pytest.raises(ProcfileError, match=r"no instance 'polite\.9' was started, only none"):
        make().pid("polite.9")
