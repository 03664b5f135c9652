"""What an inventory's matrix opens on hosts today; nothing of it is read where there is no matrix."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from plumbline.errors import InputError
from plumbline.matrix import FILE
from plumbline.spec.load import Inventory

if TYPE_CHECKING:
    from plumbline.matrix.flows import HostFlows


def desired_flows(
    inventory: Inventory, hosts: Iterable[str], today: date | None = None
) -> dict[str, HostFlows]:
    """Return what the rows in force today open on each host named; empty where the inventory has no matrix.

    Raises InputError when the matrix is wrong, or names what is not declared.
    """
    if not (inventory.path / FILE).exists():
        return {}
    from plumbline.matrix.ends import UnknownEndError
    from plumbline.matrix.flows import host_flows
    from plumbline.matrix.load import load_matrix

    loaded = load_matrix(inventory.path)
    try:
        return host_flows(inventory, loaded.matrix, hosts, today=today or datetime.now(UTC).date())
    except UnknownEndError as error:
        hint = "plumb matrix lint tells the row"
        raise InputError(str(error), file=loaded.document.path, hint=hint) from error
