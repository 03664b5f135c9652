"""Bringing Linux hosts to the standard with pyinfra: plan, change under guard, confirm, tell; undo later."""

from plumbline.apply.client import apply_hosts, plan_hosts
from plumbline.apply.history import Records
from plumbline.apply.plan import Plan, read_plan, write_plan
from plumbline.apply.results import ApplyReport, HostResult

__all__ = [
    "ApplyReport",
    "HostResult",
    "Plan",
    "Records",
    "apply_hosts",
    "plan_hosts",
    "read_plan",
    "write_plan",
]
