#!/usr/bin/env python3
"""An Ansible inventory script: the hosts of a Plumbline inventory, declared nowhere else.

    PLUMBLINE_INVENTORY=inventories/plant ansible-inventory -i inventories/plumbline.py --list

PLUMBLINE_INVENTORY is the inventory directory; without it, the worked example beside this script is taken.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

_HERE = Path(__file__).resolve().parent
sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != _HERE]  # or this file is `plumbline`


def main() -> int:
    """Answer `--list` or `--host NAME` as Ansible asks; what is wrong goes to standard error."""
    parser = argparse.ArgumentParser(description="Ansible inventory of a Plumbline specification.")
    asked = parser.add_mutually_exclusive_group(required=True)
    asked.add_argument("--list", action="store_true", help="all groups and hosts")
    asked.add_argument("--host", metavar="NAME", help="the variables of one host")
    arguments = parser.parse_args()

    from plumbline.errors import PlumblineError
    from plumbline.spec.inventories import to_ansible
    from plumbline.spec.load import load_inventory

    try:
        inventory = load_inventory(os.environ.get("PLUMBLINE_INVENTORY") or _HERE / "lab")
        if arguments.list:
            answer = to_ansible(inventory)
        else:
            answer = to_ansible(inventory, inventory.select([arguments.host]))["_meta"]["hostvars"]
            answer = answer.get(arguments.host, {})
    except PlumblineError as error:
        print(f"plumbline: {error}", file=sys.stderr)
        return error.exit_code
    json.dump(answer, sys.stdout, indent=2)
    return 0


def _in_its_environment() -> None:
    """Start again with the checkout's own Python when the one that Ansible found has no plumbline."""
    import importlib.util

    if importlib.util.find_spec("plumbline") is not None:
        return
    python = _HERE.parent / ".venv" / "bin" / "python"
    if python.is_file() and Path(sys.prefix) != python.parent.parent:
        os.execv(python, [str(python), *sys.argv])  # noqa: S606  (the script itself, with its arguments)
    sys.exit(f"plumbline: {sys.executable} has no plumbline; run script/bootstrap")


if __name__ == "__main__":
    _in_its_environment()
    sys.exit(main())
