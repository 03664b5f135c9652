"""One run of `plumb check`: load what hosts shall be, get their evidence, judge, report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plumbline.policy.standard import DesiredState, Standard
    from plumbline.spec.load import Inventory
    from plumbline.verify.results import Report


def check_hosts(
    inventory_path: Path,
    hosts: Sequence[str] = (),
    files: Sequence[Path] = (),
    *,
    standard_name: str = "mhth-ot",
    trust: Path | None = None,
    save: Path | None = None,
) -> Report:
    """Check hosts and return the report.

    `hosts` are names, globs or systems, all when empty; `files` are evidence to judge instead of asking the
    hosts; `trust` is a public key or certificate that must have signed each; `save` is a folder for the
    evidence that is collected. Raises InputError for a wrong inventory or standard; what is wrong with one
    host stands in its result.
    """
    from plumbline.spec.load import load_inventory

    inventory = load_inventory(inventory_path)
    if files:
        from plumbline.verify.judge import judge
        from plumbline.verify.targets import from_files

        standard, desired = _expected(standard_name, inventory, hosts)
        return judge(standard, from_files(desired, files, named=bool(hosts), trust=trust))
    from plumbline.verify.live import Collection

    with Collection(inventory, hosts, save=save) as collection:
        # The hosts answer while this process reads the standard and loads pytest.
        standard, desired = _expected(standard_name, inventory, hosts)
        from plumbline.verify.judge import judge

        return judge(standard, collection.targets(desired))


def _expected(
    standard_name: str, inventory: Inventory, hosts: Sequence[str]
) -> tuple[Standard, dict[str, DesiredState]]:
    from plumbline.policy.load import load_standard
    from plumbline.verify.targets import desired_states

    standard = load_standard(standard_name)
    return standard, desired_states(standard, inventory, hosts)
