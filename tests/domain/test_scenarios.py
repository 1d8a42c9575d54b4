"""The money rules as text rows: `tests/domain/scenarios/*.txt`, read by `tests/support/scenarios.py`."""

from pathlib import Path

import pytest

from tests.support.scenarios import Player, Scenario, read

FILES = sorted((Path(__file__).parent / "scenarios").glob("*.txt"))
SCENARIOS = [scenario for path in FILES for scenario in read(path)]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: f"{s.source} {s.title}")
def test_scenario(scenario: Scenario) -> None:
    Player().play(scenario)


def test_every_file_has_scenarios_and_every_scenario_records() -> None:
    assert len(FILES) >= 5
    for scenario in SCENARIOS:
        assert any(line.startswith(">") for _, line in scenario.lines), scenario.source


@pytest.mark.parametrize(
    "line",
    [
        "| capture: D psp_recv:stripe 9999, C m_pend:m-1 9999",
        "! AMOUNT_UNDER",
        "+ capture stripe:pi_1 gross=9999 fee=None",
        "? balance m_pend:m-1 9999",
        "? payment pay-1 refunded_amount=1",
        "* payment.captured amount=1",
    ],
)
def test_the_player_notices_what_is_wrong(line: str) -> None:
    step = "> payment.record payment_id=pay-1 amount=10000 psp=stripe psp_payment_id=pi_1 => applied"
    scenario = Scenario("wrong", "here:1", ((1, step), (2, line)))
    with pytest.raises(AssertionError, match="here:2"):
        Player().play(scenario)


def test_the_player_notices_what_is_not_listed() -> None:
    step = "> payment.record payment_id=pay-1 amount=10000 psp=stripe psp_payment_id=pi_1 => applied"
    with pytest.raises(AssertionError, match="also happened"):
        Player().play(Scenario("unlisted", "here:1", ((1, step),)))
