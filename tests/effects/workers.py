"""Real worker processes that tests kill, stop and start."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

from tests.support.commands import CHECKOUT, app_command
from tests.support.live import STOP_SECONDS, Live

SETTINGS = {
    "TALLYSTICK_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
    "TALLYSTICK_WEBHOOK_SIGNING_SECRET": "s" * 32,
    "TALLYSTICK_SESSION_TIMEOUT_SECONDS": "6",
}


class Workers:
    """By name. Their logs lie in `folder`."""

    def __init__(self, live: Live, folder: Path) -> None:
        self._live = live
        self._folder = folder
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str = "one", **extra: str) -> None:
        environment = self._live.environment(
            **SETTINGS,
            TALLYSTICK_WORKER_ID=name,
            TALLYSTICK_DATA_DIR=str(self._folder / name),
            **extra,
        )
        with self.log_path(name).open("ab") as log:
            self._processes[name] = subprocess.Popen(
                app_command("worker"),
                cwd=CHECKOUT,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def log_path(self, name: str = "one") -> Path:
        return self._folder / f"{name}.log"

    def log(self, name: str = "one") -> str:
        return self.log_path(name).read_text("utf-8")

    def kill(self, name: str = "one") -> None:
        process = self._processes.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def stop(self, name: str = "one") -> None:
        """As an operator would; it has to obey."""
        process = self._processes.pop(name)
        assert process.poll() is None, self.log(name)[-3000:]
        process.terminate()
        assert process.wait(STOP_SECONDS) == 0, self.log(name)[-3000:]

    def end(self) -> None:
        for process in self._processes.values():
            process.kill()
            process.wait()
