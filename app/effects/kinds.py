"""Which kind performs which work: the one place where a kind is added."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from app.checkout_links import load_checkout_links
from app.domain.alert_delivery import CountDigest, EmailAlert, SlackAlert, WebhookAlert
from app.domain.effects import ReportRun, WebhookDelivery
from app.domain.psp_calls import PspCall
from app.effects.alert_access import AlertAccess
from app.effects.digest_count import DigestCounts
from app.effects.email_alert import EmailAlerts
from app.effects.endpoints import current_endpoints
from app.effects.kind import Kind
from app.effects.psp_call import PspCalls
from app.effects.public_addresses import PublicAddresses, allowed_networks
from app.effects.run_reports import RunReports
from app.effects.secrets import load_endpoint_secrets
from app.effects.slack_alert import SlackAlerts
from app.effects.webhook_alert import WebhookAlerts
from app.effects.webhook_delivery import WebhookDeliveries
from app.settings import Settings


def open_kinds(settings: Settings, pool: Any) -> Mapping[type, Kind]:
    """Type of work -> its kind; `pool` is the worker's. To be called inside of the running event loop."""
    return {
        PspCall: PspCalls(settings.psp_access, load_checkout_links(settings.public_url)),
        WebhookDelivery: WebhookDeliveries(
            load_endpoint_secrets(),
            PublicAddresses(allowed_networks(os.environ)),
            current_endpoints(pool).find,
        ),
        ReportRun: RunReports(pool),
        CountDigest: DigestCounts(pool),
        **open_alert_kinds(settings),
    }


def open_alert_kinds(settings: Settings) -> Mapping[type, Kind]:
    """Those that deliver alerts; they need nothing but the network."""
    access, url = AlertAccess(), settings.public_url
    return {
        SlackAlert: SlackAlerts(access, url),
        EmailAlert: EmailAlerts(access, url),
        WebhookAlert: WebhookAlerts(access, url),
    }
