"""One run of `plumb check`: load what hosts shall be, get their evidence, judge, report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Thread

from plumbline.verify.results import Report


def check_hosts(
    inventory_path: Path,
    hosts: Sequence[str] = (),
    files: Sequence[Path] = (),
    *,
    standard_name: str = "mhth-ot",
    trust: Path | None = None,
    save: Path | None = None,
    progress: bool = False,
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
        from plumbline.policy.load import load_standard
        from plumbline.verify.judge import judge
        from plumbline.verify.targets import desired_states, from_files

        standard = load_standard(standard_name)
        desired = desired_states(standard, inventory, hosts)
        return judge(standard, from_files(desired, files, named=bool(hosts), trust=trust))
    from plumbline.verify.live import Collection

    with Collection(inventory, hosts, save=save, trust=trust, progress=progress) as collection:
        # The hosts answer while this process reads the standard and loads pytest: neither waits for the other.
        loading = Thread(target=_load_judge, daemon=True)
        loading.start()
        from plumbline.policy.load import load_standard
        from plumbline.verify.targets import desired_states

        standard = load_standard(standard_name)
        desired = desired_states(standard, inventory, hosts)
        loading.join()
        from plumbline.verify.judge import judge

        return judge(standard, collection.targets(desired))


def _load_judge() -> None:
    import plumbline.verify.judge  # noqa: F401  (imported for its time, not its names)
