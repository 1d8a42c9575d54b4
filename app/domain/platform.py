"""The platform's configuration in one lane partition: it takes effect at the offset of its record."""

from app.domain.commands import PlatformConfigure
from app.domain.configuration import Platform
from app.domain.decision import Draft
from app.domain.state import PLATFORM


def configure(draft: Draft, command: PlatformConfigure) -> None:
    """Replace the partition's configuration as a whole; its version is the record's offset."""
    platform = Platform(
        version=draft.source.offset,
        default_plan=command.default_plan,
        default_release_delay_days=command.default_release_delay_days,
        release_delay_seconds=command.release_delay_seconds,
        psps=command.psps,
        sources=command.sources,
        book=command.book,
        payout_account=command.payout_account,
        parking_window_seconds=command.parking_window_seconds,
        effects=command.effects,
        default_psp=command.default_psp,
        payout_psp=command.payout_psp,
        payout_approval_above=command.payout_approval_above,
        approval_limits=command.approval_limits,
        alerts=command.alerts,
    )
    draft.put(PLATFORM, platform)
