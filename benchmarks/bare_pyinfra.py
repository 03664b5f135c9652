"""`python -m benchmarks.bare_pyinfra INVENTORY HOST`: the deploys by pyinfra alone, on a host that is so.

No refusals, no guard, no confirmation, no report: what pyinfra itself takes. Exit code 1 if anything changed.
"""

from __future__ import annotations

# gevent must come before anything that opens sockets, as pyinfra's own command does it.
from gevent import monkey  # type: ignore[import-untyped]  # it has no types

monkey.patch_all()

import sys  # noqa: E402
from pathlib import Path  # noqa: E402

from pyinfra.api.config import Config  # noqa: E402
from pyinfra.api.connect import connect_all, disconnect_all  # noqa: E402
from pyinfra.api.operations import run_ops  # noqa: E402
from pyinfra.api.state import State, StateStage  # noqa: E402
from pyinfra.context import ctx_host, ctx_state  # noqa: E402

from plumbline.policy.load import load_standard  # noqa: E402
from plumbline.rooms import DEPLOYS  # noqa: E402
from plumbline.spec.inventories import to_pyinfra  # noqa: E402
from plumbline.spec.load import load_inventory  # noqa: E402
from plumbline.verify.targets import desired_states  # noqa: E402


def main(place: Path, name: str) -> int:
    """Run the deploys on one host; return 1 if that changed anything."""
    sys.path.insert(0, str(DEPLOYS.parent))
    import deploys

    inventory = load_inventory(place)
    desired = desired_states(load_standard(), inventory, [name])[name]
    hosts = to_pyinfra(inventory, inventory.select([name]))
    hosts.override_data.update({"_env": {"LC_ALL": "C"}})
    state = State(check_for_changes=True)
    state.init(hosts, Config())  # type: ignore[no-untyped-call]  # theirs
    state.set_stage(StateStage.Connect)
    connect_all(state)
    (host,) = hosts
    state.set_stage(StateStage.Prepare)
    with ctx_state.use(state), ctx_host.use(host):
        deploys.apply(desired)
    state.set_stage(StateStage.Execute)
    with ctx_state.use(state):
        run_ops(state)
    disconnect_all(state)
    metas = [state.get_op_data_for_host(host, key).operation_meta for key in host.op_hash_order]
    return 1 if any(meta.did_change() for meta in metas) else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
