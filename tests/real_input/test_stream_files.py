"""The transaction files turn into payments whose counts and sums are the files', binary floats included."""

from __future__ import annotations

import msgspec
import pytest

from app.domain.commands import PaymentRecord
from tests.support import stream_files as files
from tests.support.fixtures import shared_fixture

PUBLISHED_HANDBOOK = {
    "2018-04-01.csv": files.Totals(9488, 505_235_82),
    "2018-04-02.csv": files.Totals(9583, 504_070_28),
    "2018-04-03.csv": files.Totals(9747, 524_694_41),
}
"""As the fixtures' index states them, from another reader."""
PUBLISHED_BERKA_CREDITS = 87_119_745_30


def converted(records: list[files.Record]) -> list[PaymentRecord]:
    return [msgspec.convert(record, PaymentRecord) for record in records]


@pytest.mark.parametrize("name", sorted(PUBLISHED_HANDBOOK))
def test_a_day_of_the_fraud_handbook(name: str) -> None:
    file = shared_fixture(*files.HANDBOOK, name)
    payments = converted(list(files.handbook_payments(file)))
    assert files.Totals(len(payments), sum(p.amount for p in payments)) == files.handbook_totals(file)
    assert files.handbook_totals(file) == PUBLISHED_HANDBOOK[name]
    assert len({payment.id for payment in payments}) == len(payments)
    assert [p.occurred_at for p in payments] == sorted(p.occurred_at for p in payments)


def test_the_three_days_hold_eight_amounts_with_binary_artefacts() -> None:
    folder = shared_fixture(*files.HANDBOOK)
    texts = [
        row.split(",")[4]
        for file in files.handbook_files(folder)
        for row in file.read_text(encoding="ascii").splitlines()[1:]
    ]
    artefacts = {text: files.exact_cents(text, "test") for text in texts if len(text.split(".")[1]) > 2}
    assert len(artefacts) == 8
    assert artefacts["85.64999999999999"] == 85_65
    assert artefacts["326.04999999999995"] == 326_05


def test_the_credits_of_the_berka_bank() -> None:
    file = shared_fixture(*files.BERKA)
    payments = converted(list(files.berka_payments(file)))
    total = files.Totals(len(payments), sum(payment.amount for payment in payments))
    assert total == files.berka_totals(file) == files.Totals(11_041, PUBLISHED_BERKA_CREDITS)
    assert {payment.currency for payment in payments} == {"CZK"}


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("57.16", 5716),
        ("57.160000000000004", 5716),
        ("146.0", 14600),
        ("7", 700),
        ("0.01", 1),
        ("0.30000000000000004", 30),
        ("999999999999.99", 99_999_999_999_999),
    ],
)
def test_an_amount_is_the_cent_within_the_floats_own_error(text: str, cents: int) -> None:
    assert files.exact_cents(text, "here") == cents


@pytest.mark.parametrize("text", ["57.165", "57.1600001", "57.16000000000004", "0.005", "1.999"])
def test_anything_else_is_an_error_that_says_where(text: str) -> None:
    with pytest.raises(files.AmountError, match=rf"^file\.csv:7: {text} is .* away from a whole cent"):
        files.exact_cents(text, "file.csv:7")


@pytest.mark.parametrize("text", ["0.0", "-3.20"])
def test_no_payment_without_a_positive_amount(text: str) -> None:
    with pytest.raises(files.AmountError, match="not a positive amount"):
        files.exact_cents(text, "file.csv:7")
