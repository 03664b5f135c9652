"""Where the rooms are: policies, deploys, the compliance suites, the worked example.

In a checkout they are the top-level folders; in an installed package they lie beside the code.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parent.parent
_INSTALLED = _PACKAGE / "rooms"


def _room(in_checkout: str, installed: str) -> Path:
    shipped = _INSTALLED / installed
    return shipped if shipped.is_dir() else _CHECKOUT / in_checkout


POLICIES = _room("policies", "policies")
DEPLOYS = _room("deploys", "deploys")
COMPLIANCE = _room("tests/compliance", "compliance")
LAB_INVENTORY = _room("inventories/lab", "inventories/lab")
