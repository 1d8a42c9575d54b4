"""What an alert says, in words, amounts in major units: it is for people, nothing is decided by it."""

from collections.abc import Iterable, Sequence
from typing import Final

from app.domain.alert import Alert, AlertKey
from app.domain.alert_delivery import MOST_TEXT, What
from app.domain.alert_records import AlertTest, DigestCounted, DigestLine, MismatchNoticed
from app.domain.money import EXPONENTS

CONDITIONS: Final = {
    "dead_letters": "records could not be processed (dead letters)",
    "validation_errors": "records could not be read within fifteen minutes",
    "halted_partition": "partitions are halted",
    "attempts_exhausted": "deliveries or calls were given up",
    "verify_failed": "verify says that the books are not right",
    "lag": "work stands still",
    "silent_worker": "a worker is silent",
    "database_outage": "the database cannot be reached",
}
MOST_TITLE: Final = 300


def title(alert: Alert, what: What) -> str:
    """One line: how bad, what, where, how many."""
    if what == "closed":
        return f"Resolved: {_subject(alert.key)}"[:MOST_TITLE]
    again = {"grown": " (more)", "reminder": " (still)"}.get(what, "")
    return f"{alert.key.severity}: {_subject(alert.key)}, {_count(alert)}{again}"[:MOST_TITLE]


def text(alert: Alert, what: What, latest: MismatchNoticed | None) -> str:
    """A few lines."""
    lines = [_course(alert, what)]
    if latest is not None and what != "closed":
        lines += _example(latest)
    if alert.detail and what != "closed":
        lines.append(alert.detail)
    return "\n".join(lines)[:MOST_TEXT]


def _subject(key: AlertKey) -> str:
    if key.kind == "condition":
        return " ".join(filter(None, (CONDITIONS.get(key.category, key.category), key.scope)))
    parts = [key.category if key.kind == "mismatches" else f"many {key.category}"]
    if key.psp:
        parts.append(f"at {key.psp}")
    if key.merchant_id:
        parts.append(f"of {key.merchant_id}")
    if key.scope:
        parts.append(f"({key.scope})")
    return " ".join(parts)


def _count(alert: Alert) -> str:
    return f"{alert.opened}" if alert.key.kind == "condition" else f"{alert.open} open"


def _course(alert: Alert, what: What) -> str:
    if alert.key.kind == "condition":
        return "All is well again." if what == "closed" else f"Figure: {alert.opened}."
    if what == "closed":
        return f"All {alert.opened} are resolved."
    return (
        f"{alert.opened} opened since {alert.began_at:%Y-%m-%d %H:%M} UTC, {alert.open} of them still open."
    )


def _example(noticed: MismatchNoticed) -> list[str]:
    found = [f"Latest: mismatch {noticed.mismatch_id}"]
    if noticed.payment_id:
        found.append(f"payment {noticed.payment_id}")
    if noticed.currency:
        expected = money(noticed.expected_amount, noticed.currency)
        found.append(f"expected {expected}, found {money(noticed.actual_amount, noticed.currency)}")
    return [", ".join(found)]


def money(amount: int | None, currency: str) -> str:
    """`1234.56 EUR`; `nothing` where a side is missing."""
    if amount is None:
        return "nothing"
    digits = EXPONENTS[currency]
    whole, rest = divmod(abs(amount), 10**digits)
    sign = "-" if amount < 0 else ""
    return f"{sign}{whole}.{rest:0{digits}d} {currency}" if digits else f"{sign}{whole} {currency}"


def digest_title(counted: DigestCounted) -> str:
    opened, still = sum(line.opened for line in counted.lines), sum(line.open for line in counted.lines)
    return f"Daily digest {counted.digest}, {counted.day}: {opened} opened, {still} open"[:MOST_TITLE]


def digest_text(counted: DigestCounted) -> str:
    """One line per severity and category."""
    span = f"From {counted.since:%Y-%m-%d %H:%M} to {counted.until:%Y-%m-%d %H:%M} UTC."
    return "\n".join([span, *_digest_lines(counted.lines)])[:MOST_TEXT]


def _digest_lines(lines: Sequence[DigestLine]) -> Iterable[str]:
    if not lines:
        return ["Nothing was opened, nothing is open."]
    return [
        f"{line.severity} {line.category}: {line.opened} opened, {line.resolved} resolved, {line.open} open"
        for line in lines
    ]


def trial_title(command: AlertTest) -> str:
    return f"Test of the channel {command.channel}"


def trial_text(command: AlertTest) -> str:
    return f"{command.by} tries whether alerts arrive here. Nothing is wrong."
