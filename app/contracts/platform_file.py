"""Reads the platform's configuration from a JSON or TOML file, strictly: a misspelt field is an error.

The file holds the fields of `platform.configure`; `type` and `id` may be left out. Beside them `merchants`
may list merchants, each with the fields of `merchant.configure`. On the wire unknown fields are dropped, but
a person's file must not lose half of what it says.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import inspect

from app.contracts.source_file_checks import problems as file_problems
from app.contracts.source_reports import with_report
from app.domain.commands import MerchantConfigure, PlatformConfigure
from app.errors import ConfigurationError

TYPE: Final = "platform.configure"
MERCHANTS: Final = "merchants"


def read_platform_file(path: Path, default_id: str) -> PlatformConfigure:
    """The record that the file describes. Raises ConfigurationError naming the file and the field."""
    document = _object(path)
    document.pop(MERCHANTS, None)
    if document.setdefault("type", TYPE) != TYPE:
        raise ConfigurationError(f"{path}: type: must be {TYPE}, not {document['type']!r}")
    document.setdefault("id", default_id)
    _begin_with_reports(path, document.get("sources"))
    for problem in unknown_fields(document, inspect.type_info(PlatformConfigure)):
        raise ConfigurationError(f"{path}: {problem}")
    try:
        record = msgspec.convert(document, PlatformConfigure)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{path}: {error}") from None
    for problem in contradictions(record):
        raise ConfigurationError(f"{path}: {problem}")
    return record


def _begin_with_reports(path: Path, sources: Any) -> None:
    for name, source in sources.items() if isinstance(sources, dict) else ():
        if isinstance(source, dict) and isinstance(source.get("file"), dict):
            try:
                source["file"] = with_report(source["file"])
            except LookupError as error:
                raise ConfigurationError(f"{path}: sources.{name}.file.report: {error.args[0]}") from None


def read_merchants(path: Path, default_id: str) -> list[MerchantConfigure]:
    """The merchants that the file lists, none where it lists none. Raises ConfigurationError."""
    listed = _object(path).get(MERCHANTS, [])
    if not isinstance(listed, list):
        raise ConfigurationError(f"{path}: {MERCHANTS}: expected an array, found {type(listed).__name__}")
    found = [_merchant(f"{path}: {MERCHANTS}[{place}]", one, default_id) for place, one in enumerate(listed)]
    names = [merchant.merchant_id for merchant in found]
    for name in sorted({name for name in names if names.count(name) > 1}):
        raise ConfigurationError(f"{path}: {MERCHANTS}: {name} is listed twice")
    return found


def _merchant(place: str, document: Any, default_id: str) -> MerchantConfigure:
    if not isinstance(document, dict):
        raise ConfigurationError(f"{place}: expected an object, found {type(document).__name__}")
    for problem in unknown_fields(document, inspect.type_info(MerchantConfigure)):
        raise ConfigurationError(f"{place}.{problem}")
    try:
        return msgspec.convert(
            {"type": "merchant.configure", "id": default_id, **document}, MerchantConfigure
        )
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{place}: {error}") from None


def unknown_fields(value: Any, kind: inspect.Type, path: str = "") -> Iterator[str]:
    """One sentence per name in `value` that the type does not know."""
    if isinstance(kind, inspect.UnionType):
        for member in kind.types:
            if isinstance(member, inspect.StructType | inspect.DictType):
                yield from unknown_fields(value, member, path)
    elif isinstance(kind, inspect.DictType) and isinstance(value, dict):
        for name, child in value.items():
            yield from unknown_fields(child, kind.value_type, f"{path}{name}.")
    elif isinstance(kind, inspect.StructType) and isinstance(value, dict):
        fields = {field.encode_name: field.type for field in kind.fields}
        for name, child in value.items():
            if name in fields:
                yield from unknown_fields(child, fields[name], f"{path}{name}.")
            elif name != kind.tag_field:
                yield f"{path}{name}: there is no such field; known: {', '.join(sorted(fields))}"


def contradictions(record: PlatformConfigure) -> Iterator[str]:
    """What is right field by field and cannot hold together."""
    for name, source in record.sources.items():
        of_a_bank = source.file is not None and source.file.holds == "bank"
        of_a_bank = of_a_bank or source.settles_to is not None
        if source.psp not in record.psps and not (of_a_bank and not source.psp):
            yield f"sources.{name}.psp: {source.psp!r} is not one of psps"
        if source.payouts and (source.psp or source.settles_to is None):
            yield f"sources.{name}.payouts: is for a bank's source (no psp) that has settles_to"
        if source.file is not None:
            yield from (f"sources.{name}.file.{problem}" for problem in file_problems(source.file))
    for name, psp in record.psps.items():
        if psp.fee_payer not in ("platform", "merchant"):
            yield f"psps.{name}.fee_payer: must be platform or merchant, not {psp.fee_payer!r}"
        if psp.dispute_loss_bearer not in ("platform", "merchant"):
            bearer = psp.dispute_loss_bearer
            yield f"psps.{name}.dispute_loss_bearer: must be platform or merchant, not {bearer!r}"


def _object(path: Path) -> dict[str, Any]:
    document = _load(path)
    if not isinstance(document, dict):
        raise ConfigurationError(f"{path}: expected an object, found {type(document).__name__}")
    return document


def _load(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: byte {error.start} is not UTF-8") from None
    try:
        return tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except ValueError as error:  # both kinds of syntax errors; they name line and column
        raise ConfigurationError(f"{path}: {error}") from None
