"""Faults of requests: as often as they are set, the same by the same seed, whatever the order of requests."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from app.errors import ConfigurationError
from app.sandbox.faults import Chance, Faults, Trouble, checked, parse_faults, trouble
from tests.support.sandbox import Psp, sandbox

RATES = {
    "throttled": 0.1,
    "timeouts_before": 0.1,
    "errors_before": 0.1,
    "timeouts_after": 0.1,
    "errors_after": 0.1,
}
KEYS = [f"k-{number}" for number in range(2_000)]


def drawn(seed: int, keys: list[str], attempt: int = 1) -> dict[str, Trouble]:
    faults, chance = checked(RATES), Chance(seed)
    return {key: trouble(faults, chance, key, attempt) for key in keys}


def test_the_seed_decides_not_the_order() -> None:
    shuffled = random.Random(3).sample(KEYS, len(KEYS))
    assert drawn(5, KEYS) == drawn(5, shuffled)
    assert drawn(5, KEYS) != drawn(6, KEYS)


def test_each_is_as_frequent_as_it_is_set_and_excludes_the_others() -> None:
    counts = Counter((each.before, each.after) for each in drawn(5, KEYS).values())
    struck = {pair: count for pair, count in counts.items() if pair != (None, None)}
    assert set(struck) == {
        ("throttle", None), ("timeout", None), ("error", None), (None, "timeout"), (None, "error"),
    }  # fmt: skip
    assert all(150 < count < 250 for count in struck.values())


def test_a_repeat_is_drawn_anew() -> None:
    first, second = drawn(5, KEYS), drawn(5, KEYS, attempt=2)
    both = [key for key in KEYS if first[key] != Trouble() and second[key] != Trouble()]
    assert 400 < len(both) < 600


async def told(psp: Psp) -> list[int]:
    body = {"amount": 1, "currency": "EUR", "token": "tok_ok"}
    return [(await psp.post("/v1/charges", body, f"k-{number}"))[0] for number in range(40)]


async def test_two_servers_of_one_seed_fail_alike() -> None:
    rates = {"errors_before": 0.2, "errors_after": 0.2, "throttled": 0.2}
    async with sandbox(rates, terms={"seed": 4}) as one, sandbox(rates, terms={"seed": 4}) as same:
        statuses = await told(one)
        assert set(statuses) == {201, 429, 500}
        assert await told(same) == statuses
        assert sorted((await one.books())["charges"], key=str) != []
        ids = [[charge["id"] for charge in (await psp.books())["charges"]] for psp in (one, same)]
        assert ids[0] == ids[1]


async def test_they_are_set_while_it_runs() -> None:
    async with sandbox() as psp:
        status, faults = await psp.post("/_control/faults", {"throttled": 1.0, "retry_after_seconds": 9})
        assert (status, faults["throttled"], faults["slow_seconds"]) == (200, 1.0, 0.3)
        refused = await psp.post("/v1/charges", {"amount": 1, "currency": "EUR", "token": "tok_ok"})
        assert (refused[0], psp.headers["Retry-After"]) == (429, "9")
        for wrong in ({"throttled": 2}, {"nothing": 1}, {"errors_after": 0.5}):
            assert (await psp.post("/_control/faults", wrong))[0] == 400
        assert (await psp.get("/_control/faults"))[1] == faults


def test_the_command_lines_words() -> None:
    assert parse_faults(("throttled=0.5,late_seconds=3", "webhooks_twice=1")) == Faults(
        throttled=0.5, late_seconds=3, webhooks_twice=1
    )


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("throttled", "'throttled' is not NAME=NUMBER"),
        ("throttled=many", "'throttled=many' is not"),
        ("thottled=0.1", "field `thottled`"),
        ("throttled=1.1", r"at `\$.throttled`"),
        ("errors_before=-1", r"at `\$.errors_before`"),
    ],
)
def test_a_wrong_word_is_named(text: str, named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        parse_faults((text,))


def test_more_than_all_cannot_fail() -> None:
    asked: dict[str, Any] = {"throttled": 0.6, "errors_after": 0.6}
    with pytest.raises(ConfigurationError, match="sum to 1"):
        checked(asked)
