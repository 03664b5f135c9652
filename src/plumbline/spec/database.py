"""Why a database server stands where its application does, and not on the operator's own (7)."""

from __future__ import annotations

from typing import Literal

from plumbline.model import Strict
from plumbline.spec.values import Filled


class DatabaseHere(Strict):
    """The ground for a database server on this host, and where it is stated and approved.

    `maker-requires-same-host`: the application's maker makes it a condition; `shared-server-ruled-out`: a
    technical limit or the maker rules the operator's server out; `part-of-the-application`: the application's
    installation package brings it inseparably, which alone allows one on a client.
    """

    reason: Literal["maker-requires-same-host", "shared-server-ruled-out", "part-of-the-application"]
    reference: Filled
