"""URLs of what people were told."""

from __future__ import annotations

from typing import Final

from web import alerts
from web.call import Access, Endpoint, Raw

ALERT_ENDPOINTS: Final = (
    Endpoint(
        path="/v1/alerts",
        handler=alerts.get_alerts,
        access=Access.STAFF,
        answer=alerts.AlertPage,
        query=alerts.AlertsQuery,
        summary="What people were told, the latest first",
    ),
    Endpoint(
        path="/v1/alerts/{id}",
        handler=alerts.get_alert,
        access=Access.STAFF,
        answer=alerts.AlertDetail,
        problems=("not_found",),
        summary="One alert with its messages, and who took them",
    ),
)
ALERT_RAW: Final = (
    Raw(
        path="/alerts",
        handler=alerts.get_alerts_page,
        access=Access.PAGES,
        summary="What people were told, and by which channel",
    ),
)
