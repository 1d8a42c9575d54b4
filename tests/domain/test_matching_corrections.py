"""A line whose id comes again with other content: reversal and new posting, judged again, flagged."""

from __future__ import annotations

from datetime import date

from tests.support.matching_world import configured, expectation, line


def test_a_repeat_with_the_same_content_changes_nothing() -> None:
    world = configured()
    world.send_all([expectation(), line(), line()])
    assert (world.outcomes["duplicate"], len(world.transactions)) == (1, 1)


def test_a_correction_reverses_posts_anew_and_is_judged_again() -> None:
    world = configured()
    world.send_all([expectation(10_000, fee=320), line(gross=9_000, fee=320)])
    assert world.categories() == ["PARTIAL_SETTLEMENT"]
    assert world.send(line(gross=10_000, fee=320)) == "applied"
    wrong, reversal, right = world.transactions
    assert (reversal.kind, reversal.reverses, right.kind) == (
        "settlement.reversed",
        wrong.id,
        "settlement.line",
    )
    mirrored = {(e.account, e.direction, e.amount) for e in reversal.entries}
    flip = {"debit": "credit", "credit": "debit"}
    assert mirrored == {(e.account, flip[e.direction], e.amount) for e in wrong.entries}
    assert world.books() == {"psp_recv:stripe": -9_680, "transit:acq:B1": 9_680}
    assert (world.categories(), world.timers()) == ([], {})


def test_every_posting_of_a_line_is_reversed_by_its_own_transaction() -> None:
    world = configured()
    world.send_all([line(fee=320), expectation(10_000, fee=320), line(fee=321, batch_id="B2")])
    kinds = [transaction.kind for transaction in world.transactions]
    assert kinds == [
        "settlement.line",
        "settlement.reclassified",
        "settlement.reversed",
        "settlement.reversed",
        "settlement.line",
    ]
    reversed_ids = [t.reverses for t in world.transactions if t.reverses]
    assert reversed_ids == [t.id for t in world.transactions[:2]]
    assert world.books() == {"fee_variance": 1, "psp_recv:stripe": -9_680, "transit:acq:B2": 9_679}


def test_the_correction_is_flagged_with_what_was_there_before() -> None:
    world = configured()
    original = line(gross=10_000)
    world.send_all([expectation(10_000), original, line(gross=9_000)])
    (mismatch,) = world.open()
    assert mismatch.explanation["reasons"][-1] == "line acq/L1 was corrected"
    assert world.item().lines[0].earlier == (original,)


def test_a_correction_can_make_a_complete_pair_wait_again() -> None:
    world = configured()
    world.send_all([expectation(10_000), line(gross=10_000), line(gross=4_000)])
    assert set(world.timers()) == {"settlement"}


def test_a_correction_of_the_booking_date_can_change_which_line_is_the_duplicate() -> None:
    world = configured()
    world.send_all([expectation(), line("L1"), line("L2", batch_id="B2")])
    world.send(line("L2", batch_id="B2", booked_on=date(2026, 11, 20)))
    (mismatch,) = world.open()
    assert mismatch.explanation["inputs"]["duplicates"] == ["acq/L1"]
    assert world.books() == {
        "psp_recv:stripe": -10_000,
        "transit:acq:B1": 10_000,
        "transit:acq:B2": 10_000,
        "unapplied": 10_000,
    }


def test_a_correction_of_the_kind_moves_the_line_to_its_other_item() -> None:
    world = configured()
    world.send_all([expectation(10_000), line(gross=-500)])
    assert world.categories() == ["DIRECTION_MISMATCH"]
    world.send(line(gross=-500, kind="refund"))
    assert world.item().lines == ()
    assert [held.record.id for held in world.item(kind="refund").lines] == ["acq/L1"]
    assert world.books() == {"transit:acq:B1": -500, "unapplied": -500}
    assert (world.categories(), set(world.timers())) == ([], {"settlement", "payment"})


def test_only_lines_can_be_corrected() -> None:
    world = configured()
    world.send(expectation(10_000))
    assert world.send(expectation(9_000)) == "dead_letter", "the id of another expectation"
