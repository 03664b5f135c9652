"""The operator visualisation of a host: the application its session shows and nothing else (9.4.2)."""

from __future__ import annotations

from plumbline.model import Strict
from plumbline.spec.values import Filled


class Kiosk(Strict):
    """A session that starts one application: as whom, and by which command."""

    user: Filled
    command: Filled
