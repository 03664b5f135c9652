"""The lab's site: real servers that give its hosts what the operator does, beside them on their network.

Two machines carry them: `dc1` the directory, `services` everything else. A server is a module here; what
each must have is `servers.Server`, what each is told is `place.SitePlace`.
"""

from __future__ import annotations

from plumbline.lab.site.place import MACHINES, SERVERS, SitePlace

__all__ = ["MACHINES", "SERVERS", "SitePlace"]
