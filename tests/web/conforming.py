"""Answers beside the API's own document: whatever a test reads over HTTP must be what the document says."""

from __future__ import annotations

import json
import re
from datetime import datetime
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from web.call import Endpoint
from web.openapi import document
from web.routes import ENDPOINTS, RAW


def check_answer(path: str, answer: Any) -> None:
    """Raises AssertionError where a 200 answer of a GET is not as its schema says; times have a zone."""
    endpoint = _endpoint(path.partition("?")[0])
    if endpoint is None:
        return
    errors = list(_validator(endpoint).iter_errors(answer))
    assert not errors, (path, errors)
    assert all(datetime.fromisoformat(text).tzinfo for text in times_in(answer)), path


def times_in(value: Any) -> list[str]:
    """Texts that are moments, wherever they stand."""
    if isinstance(value, str):
        return [value] if re.match(r"\d{4}-\d\d-\d\dT", value) else []
    if isinstance(value, dict):
        return [text for part in value.values() for text in times_in(part)]
    if isinstance(value, list):
        return [text for part in value for text in times_in(part)]
    return []


def _endpoint(path: str) -> Endpoint | None:
    found = [one for one in ENDPOINTS if one.method == "GET" and re.fullmatch(_pattern(one.path), path)]
    return min(found, key=lambda one: one.path.count("{"), default=None)


def _pattern(path: str) -> str:
    return re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))


@cache
def _components() -> Any:
    return json.loads(json.dumps(document(ENDPOINTS, RAW)["components"]))


def _validator(endpoint: Endpoint) -> Draft202012Validator:
    schema = {"$ref": f"#/components/schemas/{endpoint.answer.__name__}", "components": _components()}
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
