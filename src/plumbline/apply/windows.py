"""Whether a host may be changed at this hour, in a sentence."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from plumbline.spec.maintenance import Maintenance


def closed(maintenance: Maintenance | None, now: datetime | None = None) -> str | None:
    """Return why a host must not be changed now, and when it may be; None if it may, or has no windows."""
    now = now or datetime.now(UTC)
    if maintenance is None or maintenance.ends_after(now) is not None:
        return None
    zone = ZoneInfo(maintenance.timezone)
    here, opens = now.astimezone(zone), maintenance.opens_after(now)
    return (
        f"it is {here:%A %H:%M} there, outside its maintenance window "
        f"({'; '.join(map(str, maintenance.windows))}); the next opens {opens:%A %Y-%m-%d %H:%M} "
        f"({maintenance.timezone}). Apply then, or give --outside-window REASON"
    )
