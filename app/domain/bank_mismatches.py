"""Opens and resolves the mismatches of bank lines and batches: what is found, with both sides shown."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from app.domain.bank_documents import Batch, HeldBankLine, line_subject
from app.domain.bank_judge import RULE_VERSION, BankFinding, judge_line
from app.domain.bank_windows import expected_on
from app.domain.configuration import Platform
from app.domain.decision import Draft
from app.domain.matching import Opened
from app.domain.mismatches import open_mismatch, resolve_mismatch

LEG: Final = "B"
MOST_SHOWN: Final = 20


def keep_line_mismatches(
    draft: Draft, platform: Platform | None, line: HeldBankLine, cause: str
) -> HeldBankLine:
    findings = list(judge_line(line))
    if not findings and not line.open:
        return line
    record = line.record
    inputs = {"bank_lines": [msgspec.to_builtins(record)]}
    reasons = (f"bank line {record.line_id} was corrected",) if line.earlier else ()
    opened = _keep(
        draft,
        line.open,
        findings,
        cause,
        subject=(line_subject(record.line_id),),
        explained=_explained(platform, _rule((line,), line.verdict is not None), inputs, reasons),
        expected_on=record.value_date,
    )
    return replace(line, open=opened)


def keep_batch_mismatches(
    draft: Draft,
    platform: Platform | None,
    batch: Batch,
    lines: Sequence[HeldBankLine],
    findings: Sequence[BankFinding],
    cause: str,
) -> Batch:
    if not findings and not batch.open:
        return batch
    explained = _explained(platform, _rule(lines, bool(batch.verdicts)), shown_batch(batch, lines), ())
    currency = findings[0].currency if findings else ""
    opened = _keep(
        draft,
        batch.open,
        findings,
        cause,
        subject=(batch.subject,),
        explained=explained,
        psp=batch.psp,
        batch_id=batch.batch_id,
        expected_on=expected_on(platform, batch, currency),
    )
    return replace(batch, open=opened)


def _rule(lines: Sequence[HeldBankLine], swept: bool) -> str:
    rules = {link.rule for line in lines for link in line.links}
    if "forced" in rules:
        return "forced"
    if "1" in rules:
        return "B1"
    return "B2" if "2" in rules else "B3" if swept else "B1"


def shown_batch(batch: Batch, lines: Sequence[HeldBankLine]) -> dict[str, Any]:
    """What a mismatch of a batch shows of its sides."""
    return {
        "batch": [_shown(batch, currency) for currency in sorted(batch.sums)],
        "trailers": [msgspec.to_builtins(batch.trailers[currency]) for currency in sorted(batch.trailers)],
        "bank_lines": [msgspec.to_builtins(line.record) for line in lines[:MOST_SHOWN]],
    }


def _shown(batch: Batch, currency: str) -> dict[str, Any]:
    totals = batch.sums[currency]
    return {
        "source": batch.source,
        "batch_id": batch.batch_id,
        "psp": batch.psp,
        "account": batch.account,
        "currency": currency,
        "lines": totals.count,
        "gross": totals.gross,
        "fee": totals.fee,
        "tax": totals.tax,
        "reserve": totals.reserve,
        "net": totals.net,
        "residual": totals.residual,
        "booked_on": totals.last_day.isoformat() if totals.last_day is not None else None,
    }


def _explained(
    platform: Platform | None, rule: str, inputs: dict[str, Any], reasons: tuple[str, ...]
) -> dict[str, Any]:
    return {
        "rule": rule,
        "rule_version": RULE_VERSION,
        "configuration_version": platform.version if platform is not None else None,
        "inputs": inputs,
        "reasons": reasons,
    }


def _keep(
    draft: Draft,
    known: dict[str, Opened],
    findings: Sequence[BankFinding],
    cause: str,
    *,
    subject: tuple[str, ...],
    explained: dict[str, Any],
    **about: Any,
) -> dict[str, Opened]:
    """Open what the facts support, resolve what they no longer do; an unchanged finding is left alone."""
    keys = {finding.key for finding in findings}
    for key, opened in known.items():
        if key not in keys:
            resolve_mismatch(draft, opened.mismatch_id, f"no longer supported by the facts since {cause}")
    kept: dict[str, Opened] = {}
    for finding in findings:
        evidence = _evidence(finding, explained["inputs"])
        before = known.get(finding.key)
        if before is not None and before.evidence == evidence:
            kept[finding.key] = before
            continue
        mismatch_id = open_mismatch(
            draft,
            leg=LEG,
            category=finding.category,
            currency=finding.currency,
            expected_amount=finding.expected_amount,
            actual_amount=finding.actual_amount,
            explanation={
                **explained,
                "differences": finding.differences,
                "reasons": [*finding.reasons, *explained["reasons"]],
            },
            subject_ids=(*subject, finding.currency),
            **about,
        )
        kept[finding.key] = Opened(mismatch_id, evidence)
    return kept


def _evidence(finding: BankFinding, inputs: dict[str, Any]) -> str:
    return sha256(msgspec.json.encode((finding, inputs), order="deterministic")).hexdigest()[:16]
