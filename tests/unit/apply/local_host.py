"""This machine as a pyinfra host, so that an operation runs its real commands on real files."""

from __future__ import annotations

from collections.abc import Callable

from pyinfra.api.inventory import Inventory
from pyinfra.api.operation import OperationMeta
from pyinfra.api.operations import run_host_op
from pyinfra.api.state import StateStage
from pyinfra.context import ctx_host, ctx_state

from plumbline.apply.session import HostsAlone, KeptLog, new_state, quiet
from plumbline.apply.telling import Told, told_of


class LocalHost:
    """Plans operations when told of them, and runs them when asked to."""

    def __init__(self) -> None:
        self.log: KeptLog = quiet()
        self.state: HostsAlone = new_state(Inventory((["@local"], {})))  # type: ignore[no-untyped-call]  # theirs
        (self.host,) = self.state.inventory
        self.state.set_stage(StateStage.Prepare)
        self.host.connect(raise_exceptions=True)

    def plan(self, declare: Callable[[], OperationMeta]) -> OperationMeta:
        """Declare one operation; its `will_change` is the plan."""
        with ctx_state.use(self.state), ctx_host.use(self.host):
            return declare()

    def told(self) -> Told:
        """Return what the last operation told of itself."""
        return told_of(self.host.connector_data, self.host.op_hash_order[-1])

    def run(self) -> bool:
        """Run the last operation; say whether it succeeded."""
        self.state.is_executing = True
        with ctx_state.use(self.state), ctx_host.use(self.host):
            return run_host_op(self.state, self.host, self.host.op_hash_order[-1])
