"""A secret of the installation in a file, for a developer's machine; in production the environment has it."""

from __future__ import annotations

import logging
import os
import secrets
from pathlib import Path
from typing import Final

from app.errors import ConfigurationError

log: Final = logging.getLogger(__name__)


def secret_in_file(path: Path, variable: str) -> str:
    """64 hex digits, made when the file is not there. `variable` is what production sets instead.

    Raises ConfigurationError where the file can be neither read nor made.
    """
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return _create(path, variable)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read ({error}); or set {variable}") from None


def _create(path: Path, variable: str) -> str:
    """Two processes at once end with the same secret: a link to a whole file is made by one of them only."""
    trial = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        trial.touch(mode=0o600, exist_ok=False)
        trial.write_text(secrets.token_hex(32) + "\n", encoding="ascii")
        try:
            os.link(trial, path)
            log.warning("made a secret in %s; in production set %s", path, variable)
        except FileExistsError:
            pass
        finally:
            trial.unlink()
        return path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be made ({error}); or set {variable}") from None
