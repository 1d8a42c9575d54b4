"""The fetcher trusts checksums, goes on where it stopped, and uses Maven's own mirror settings."""

from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.stack import fetch, maven
from app.stack.errors import FetchError
from app.stack.maven import Artifact

CONTENT = {name: f"the jar {name}".encode() for name in ("one", "two", "three")}


class Repository(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT in Maven's layout and notes what was asked for."""

    asked: list[str]
    failures: int

    def do_GET(self) -> None:
        type(self).asked.append(self.path)
        content = CONTENT.get(self.path.split("/")[-3])
        if type(self).failures > 0:
            type(self).failures -= 1
            self.send_error(503)
        elif content is None:
            self.send_error(404)
        else:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Repository]]:
    Repository.asked, Repository.failures = [], 0
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Repository)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("TALLYSTICK_MAVEN_URL", f"http://127.0.0.1:{server.server_port}/maven2/")
    monkeypatch.setattr(fetch, "FIRST_WAIT_SECONDS", 0.01)
    yield Repository
    server.shutdown()
    thread.join()
    server.server_close()


def artifact(name: str) -> Artifact:
    content = CONTENT.get(name, b"")
    return Artifact("org.example", name, "1.0", hashlib.sha256(content).hexdigest(), len(content))


def silent(done: int, total: int, size: int) -> None:
    """No progress shown."""


def test_only_what_is_missing_or_damaged_is_downloaded(tmp_path: Path, repository: type[Repository]) -> None:
    (tmp_path / "one-1.0.jar").write_bytes(CONTENT["one"])
    (tmp_path / "two-1.0.jar").write_bytes(b"the jar tw?")
    progress: list[tuple[int, int, int]] = []
    jars = fetch.fetch(map(artifact, CONTENT), tmp_path, lambda *step: progress.append(step))
    assert [jar.read_bytes() for jar in jars] == list(CONTENT.values())
    assert sorted(repository.asked) == [
        "/maven2/org/example/three/1.0/three-1.0.jar",
        "/maven2/org/example/two/1.0/two-1.0.jar",
    ]
    assert (progress[0], progress[-1]) == ((1, 3, 0), (3, 3, len(b"the jar twothe jar three")))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one-1.0.jar", "three-1.0.jar", "two-1.0.jar"]


def test_a_file_with_another_checksum_is_not_kept(tmp_path: Path, repository: type[Repository]) -> None:
    forged = Artifact("org.example", "one", "1.0", "0" * 64, len(CONTENT["one"]))
    with pytest.raises(FetchError, match=r"one-1\.0\.jar has SHA-256 .* nothing was kept"):
        fetch.fetch([forged], tmp_path, silent)
    assert list(tmp_path.iterdir()) == []


def test_a_repository_that_is_busy_for_a_moment_is_asked_again(
    tmp_path: Path, repository: type[Repository]
) -> None:
    repository.failures = 2
    fetch.fetch([artifact("one")], tmp_path, silent)
    assert len(repository.asked) == 3


def test_a_missing_file_is_said_at_once(tmp_path: Path, repository: type[Repository]) -> None:
    with pytest.raises(FetchError, match=r"none-1\.0\.jar: HTTP 404"):
        fetch.fetch([artifact("none")], tmp_path, silent)
    assert len(repository.asked) == 1


def test_no_network_is_said(
    tmp_path: Path, repository: type[Repository], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Port 9 is the discard service, which nobody runs any more.
    monkeypatch.setenv("TALLYSTICK_MAVEN_URL", "http://127.0.0.1:9/maven2")
    with pytest.raises(FetchError, match=r"Connection refused.*is the network there"):
        fetch.fetch([artifact("one")], tmp_path, silent)


@pytest.mark.parametrize(
    ("mirror_of", "covered"),
    [
        ("*", True),
        ("central", True),
        ("external:*", True),
        ("internal,central", True),
        ("*,!central", False),
        ("internal", False),
        ("external:http:*", False),
    ],
)
def test_which_mirrors_stand_in_for_central(mirror_of: str, covered: bool) -> None:
    assert maven.covers_central(mirror_of) is covered


SETTINGS = """<settings xmlns="http://maven.apache.org/SETTINGS/1.2.0"><mirrors>
<mirror><id>no</id><mirrorOf>*</mirrorOf><url>http://0.0.0.0/</url><blocked>true</blocked></mirror>
<mirror><id>yes</id><mirrorOf>central</mirrorOf><url> https://mirror.example/maven/ </url></mirror>
</mirrors></settings>"""


def test_the_users_maven_settings_name_the_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("TALLYSTICK_MAVEN_URL", "MAVEN_HOME", "M2_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert maven.repository_url() == maven.CENTRAL
    (tmp_path / ".m2").mkdir()
    (tmp_path / ".m2" / "settings.xml").write_text(SETTINGS, encoding="utf-8")
    assert maven.repository_url() == "https://mirror.example/maven"
    (tmp_path / ".m2" / "settings.xml").write_text("<settings>", encoding="utf-8")
    assert maven.repository_url() == maven.CENTRAL


def test_the_list_holds_coordinates_and_no_hosts() -> None:
    artifacts = maven.read_artifacts(fetch.LISTING)
    assert f"kafka_2.13-{fetch.KAFKA_VERSION}.jar" in {each.file_name for each in artifacts}
    assert all(len(each.sha256) == 64 and each.size_bytes > 0 for each in artifacts)
    assert "://" not in fetch.LISTING.read_text(encoding="utf-8")
