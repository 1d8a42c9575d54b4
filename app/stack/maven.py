"""Where this machine gets Maven artifacts: Maven's own mirror settings, else Maven Central.

Read in this order: `TALLYSTICK_MAVEN_URL`, `~/.m2/settings.xml`, `$MAVEN_HOME/conf/settings.xml`.
Proxies (`https_proxy` …) and certificates (`SSL_CERT_FILE`) are the standard library's matter.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

CENTRAL = "https://repo.maven.apache.org/maven2"
CENTRAL_ID = "central"


@dataclass(frozen=True)
class Artifact:
    """One jar by its coordinates, with the SHA-256 and the size in bytes that it must have."""

    group: str
    name: str
    version: str
    sha256: str
    size_bytes: int

    @property
    def file_name(self) -> str:
        return f"{self.name}-{self.version}.jar"

    @property
    def path(self) -> str:
        """The artifact's path below a Maven repository's root."""
        return f"{self.group.replace('.', '/')}/{self.name}/{self.version}/{self.file_name}"


def read_artifacts(listing: Path) -> list[Artifact]:
    """Read lines of `group:artifact:version  sha256  bytes`; `#` starts a comment line."""
    artifacts = []
    for line in listing.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            coordinates, sha256, size = line.split()
            group, name, version = coordinates.split(":")
            artifacts.append(Artifact(group, name, version, sha256, int(size)))
    return artifacts


def repository_url() -> str:
    """The root URL to download from, without a slash at its end."""
    named = os.environ.get("TALLYSTICK_MAVEN_URL")
    if named:
        return named.rstrip("/")
    for settings in _settings_files():
        mirror = _mirror_in(settings)
        if mirror:
            return mirror.rstrip("/")
    return CENTRAL


def _settings_files() -> list[Path]:
    homes = [os.environ[variable] for variable in ("MAVEN_HOME", "M2_HOME") if os.environ.get(variable)]
    candidates = [
        Path.home() / ".m2" / "settings.xml",
        *(Path(home, "conf", "settings.xml") for home in homes),
    ]
    return [path for path in candidates if path.is_file()]


def _mirror_in(settings: Path) -> str | None:
    """The URL of the first mirror in the file that stands in for Maven Central, if there is one."""
    try:
        root = ElementTree.parse(settings).getroot()
    except (ElementTree.ParseError, OSError):
        return None  # Maven itself will complain about it; Central is still worth a try.
    for mirror in root.iterfind("{*}mirrors/{*}mirror"):
        url = (mirror.findtext("{*}url") or "").strip()
        blocked = (mirror.findtext("{*}blocked") or "").strip() == "true"
        if url and not blocked and covers_central(mirror.findtext("{*}mirrorOf") or ""):
            return url
    return None


def covers_central(mirror_of: str) -> bool:
    """Whether a `mirrorOf` pattern (`*`, `external:*`, `central`, `*,!central` …) includes Maven Central."""
    patterns = [pattern.strip() for pattern in mirror_of.split(",")]
    if f"!{CENTRAL_ID}" in patterns:
        return False
    return any(pattern in ("*", "external:*", CENTRAL_ID) for pattern in patterns)
