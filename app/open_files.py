"""How many files and connections the process may have open: as many as the system lets it, not 1,024.

That is the usual soft limit, kept low for programs that use `select`. A worker keeps connections to thousands
of endpoints alive; at the limit it could reach neither them nor its own database.
"""

from __future__ import annotations

import logging
import resource
from typing import Final

ENOUGH: Final = 65_536
log: Final = logging.getLogger(__name__)


def allow_many_files(enough: int = ENOUGH) -> int:
    """Raises the soft limit towards the hard one; returns what holds. A refusal by the system is logged."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = enough if hard == resource.RLIM_INFINITY else min(enough, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError) as error:
            log.warning("only %d files may be open: %s", soft, error)
            return soft
        return wanted
    return soft
