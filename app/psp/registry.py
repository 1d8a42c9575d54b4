"""Finds the PSPs: every module of this package that has an `ADAPTER`, under the module's own name."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache

import app.psp
from app.psp.adapter import Adapter


@cache
def adapters() -> Mapping[str, Adapter]:
    """Name -> adapter. Raises ValueError for one that is not named like its file."""
    found: dict[str, Adapter] = {}
    for module in pkgutil.iter_modules(app.psp.__path__):
        adapter = getattr(importlib.import_module(f"app.psp.{module.name}"), "ADAPTER", None)
        if adapter is None:
            continue
        if adapter.name != module.name:
            raise ValueError(f"app/psp/{module.name}.py has an adapter named {adapter.name!r}")
        found[adapter.name] = adapter
    return found
