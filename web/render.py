"""Templates of the pages, and the filters that put figures, times and sizes into words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.domain.audit import AuditEntry
from app.domain.money import EXPONENTS
from app.store.web_figures import MismatchRow
from app.store.web_mismatches import MismatchDetails
from web import views
from web.assets import asset_url
from web.comparison import compared, flatten, label, shown
from web.evidence import remaining
from web.filter_links import SORTS
from web.mismatch_schemas import Evidence, Work
from web.money import format_count, format_minor, plain_amount
from web.schemas import Status
from web.sides import as_side
from web.visitor import csrf_field, visitor
from web.work import actor_of

TEMPLATES: Final = Path(__file__).parent / "templates"
FRAGMENTS: Final = ("tiles", "books", "lanes", "workers")
"""Parts of the page that are replaced as they change; each has a template and an element with this id."""


def clock(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%H:%M:%S")


def day(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%-d %b")


def year_day(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%-d %b %Y")


def digits_of(currency: str | None) -> int:
    """Decimal places; 0 for a currency that we do not know, which is shown in minor units."""
    return EXPONENTS.get(currency or "", 0)


def span(seconds: float | None) -> str:
    """A duration in the one or two units that matter: `0.4 s`, `12 s`, `3 min`, `2 h 05`, `4 d`."""
    if seconds is None:
        return "–"
    if seconds < 9.95:
        return f"{max(seconds, 0.0):.1f} s"
    if seconds < 119.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02}" if minutes < 48 * 60 else f"{minutes // 1440} d"


def rate(per_second: float | None) -> str:
    if per_second is None:
        return "–"
    return format_count(round(per_second)) if per_second >= 10 or not per_second else f"{per_second:.1f}"


def mebibytes(size: int) -> str:
    return f"{format_count(round(size / 2**20))} MiB"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        money=format_minor, count=format_count, clock=clock, day=day, span=span, rate=rate,
        mebibytes=mebibytes, words=views.words_of, iso=datetime.isoformat, year_day=year_day, label=label,
        plain=plain_amount,
    )  # fmt: skip
    environment.globals.update(
        kind_names=views.KIND_NAMES,
        lane_state=views.lane_state,
        difference_of=views.difference_of,
        asset=asset_url,
        digits_of=digits_of,
        shown=shown,
        compared=compared,
        as_side=as_side,
        sorts=SORTS,
        visitor=visitor,
        csrf_field=csrf_field,
    )
    return environment


ENVIRONMENT: Final = _environment()


def fragments(status: Status) -> dict[str, str]:
    """Fragment name -> its HTML."""
    context = {
        "now": status.as_of,
        "status": status,
        "tiles": views.tiles(status),
        "books": views.trial_balances(status),
        "lanes": views.lane_groups(status),
    }
    return {name: ENVIRONMENT.get_template(f"{name}.html").render(context).strip() for name in FRAGMENTS}


def mismatch_row(row: MismatchRow) -> str:
    """One `<tr>` of the list of mismatches."""
    return ENVIRONMENT.get_template("mismatch_row.html").render(row=row).strip()


def page(template: str, **context: Any) -> str:
    return ENVIRONMENT.get_template(template).render(**context)


def mismatch_page(
    found: MismatchDetails,
    evidence: Evidence,
    *,
    work: Work,
    chain: Sequence[AuditEntry] = (),
    error: str = "",
    key: str = "",
) -> str:
    """One mismatch with everything that is known about it, and what may be done. `key`: of the next step."""
    return page(
        "mismatch.html",
        row=found.row,
        evidence=evidence,
        work=work,
        chain=chain,
        error=error,
        key=key,
        me=actor_of(visitor().caller),
        comparison=compared(evidence.sides),
        facts=[(name, value) for name, value in _identifiers(found) if value is not None],
        remaining=list(flatten(remaining(found.explanation))) if remaining(found.explanation) else [],
        explanation=list(flatten(found.explanation)) if found.explanation else [],
    )


def _identifiers(found: MismatchDetails) -> list[tuple[str, str | None]]:
    row = found.row
    return [
        ("Merchant", row.merchant_id),
        ("Payment", row.payment_id),
        ("PSP", row.psp),
        ("Batch", row.batch_id),
        ("Leg", row.leg),
        ("Owner", f"{found.owner_topic} · {found.owner_key}"),
        ("Id", row.id),
    ]


def home(status: Status, rows: Sequence[str], mark: str) -> str:
    """The whole live page; complete without a script."""
    return page("home.html", as_of=status.as_of, fragments=fragments(status), rows=rows, mark=mark)
