"""Which controls the plan says that an operation serves."""

from __future__ import annotations

from local_host import LocalHost
from pyinfra.context import ctx_host, ctx_state

from deploys.mechanisms.files import no_file
from plumbline.apply.serving import served_by, serving


def test_the_innermost_that_was_told_counts_and_without_it_all_of_the_subject() -> None:
    here = LocalHost()
    with ctx_state.use(here.state), ctx_host.use(here.host):
        no_file("/nowhere/0")
        with serving("outer", "also"):
            no_file("/nowhere/1")
            with serving("inner"):
                no_file("/nowhere/2")
            no_file("/nowhere/3")
    served = [served_by(here.host.connector_data, key, ["all"]) for key in here.host.op_hash_order]
    assert served == [["all"], ["outer", "also"], ["inner"], ["outer", "also"]]
