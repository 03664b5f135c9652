"""What commands would do to the network: hooks of ifupdown, and whatever else a boot runs."""

from __future__ import annotations

import re
from collections.abc import Iterable

from plumbline.probes.network.plan import Planned
from plumbline.probes.systemd import Line
from plumbline.verify.seen import Seen

_MAKES = r"(a|add|append|c|change|chg|r|repl|replace|prepend|rest|restore)\b"
_OPTIONS = r"(?:\s+-(?:b\S*\s+\S+|\S+))*\s+"
_ADDRESS = re.compile(rf"\bip{_OPTIONS}a(?:d|dd|ddr\w*)?\s+{_MAKES}")
_ROUTE = re.compile(rf"\bip{_OPTIONS}(?:ro?|route|rou|rout|ru|rule)\s+{_MAKES}|\broute\b.*\badd\b")
_LINK = re.compile(
    rf"\bip{_OPTIONS}(?:l|li|lin|link)\s+(?:a|add)\b|\bip{_OPTIONS}tu\w*\s+a|\bbrctl\s+addbr\b"
)
_UP = re.compile(
    rf"\bip{_OPTIONS}(?:l|li|lin|link)\s+s(?:et)?\b.*\bup\b|\bifconfig\s+\S+.*\bup\b|\bifup\s+[^-]"
)
_BATCH = re.compile(r"\bip\b.*\s-b(?:a|at|atc|atch)?\s")
_IFCONFIG = re.compile(
    r"\bifconfig\s+(\S+)\s+(?:add\s+|inet\s+)?(\d+\.\d+\.\d+\.\d+\S*)|\bifconfig\b.*\badd\b"
)
_DHCP = re.compile(r"\b(dhclient|dhcpcd|udhcpc)\b")


def planned(lines: Iterable[Line]) -> list[Planned]:
    """Return what lines that a boot runs would do, a plan a line; `*` is an interface they do not tell."""
    plans = []
    for line in lines:
        text = line.text.strip()
        plan = Planned(interface_of(text))
        sort_in(plan, Seen(text, f"{line.file}:{line.number}"), kernel=False)
        if plan.interface == "*" and not (plan.created or plan.up or plan.addresses):
            plan.interface = ""
        plans.append(plan)
    return plans


def interface_of(text: str) -> str:
    """Return the interface that a command is about; `*` if it does not tell."""
    found = re.search(r"\bdev\s+([\w.:@-]+)", text) or re.search(
        r"\blink\s+(?:set|add)\s+(?:link\s+\S+\s+)?(?:(?:name|dev)\s+)?([\w.:-]+)|\bif(?:config|up)\s+(\w[\w.:-]*)",
        text,
    )
    return next((group for group in found.groups() if group), "*") if found else "*"


def sort_in(plan: Planned, told: Seen, *, kernel: bool = True) -> None:
    """Add to a plan what a command does; it is judged by its words, as nobody ran it yet.

    `kernel`: also what it sets in the kernel, for commands no one else looks at.
    """
    text = told.bare
    batch = _BATCH.search(text) is not None
    if batch or _ROUTE.search(text):
        plan.routes.append(Seen(_default_route(text) or text, told.where))
    if batch or _ADDRESS.search(text) or _IFCONFIG.search(text):
        plan.addresses.append(Seen(_plain_address(text) or text, told.where))
        if re.search(r"\b[0-9a-f]*:[0-9a-f:]*:[0-9a-f]*/\d", text):
            plan.addresses.pop()
            plan.ipv6.append(told)
    if batch or _LINK.search(text):
        plan.created.append(told)
    if _UP.search(text):
        plan.up.append(told)
    if _DHCP.search(text):
        plan.dhcp.append(told)
    if not kernel or not re.search(r"\bsysctl\b|/proc/sys", text):
        return
    if "forward" in text:
        plan.forwarding.append(told)
    if "disable_ipv6" in text and not re.search(r"1\W*$|\b1\b", text):
        plan.ipv6.append(told)


def _plain_address(text: str) -> str:
    """Return ADDRESS/PREFIX where a line does nothing but give it to an interface."""
    found = re.fullmatch(
        r"(?:Exec\w+=)?(?:[-@:+!|]*/\S*/)?ip\s+(?:-4\s+)?a(?:ddr|ddress)?\s+(?:add|replace)\s+([\d./]+)"
        r"(?:\s+(?:brd|broadcast)\s+\S+)?\s+dev\s+[\w.-]+",
        text,
    )
    return found[1] if found else ""


def _default_route(text: str) -> str:
    """Return `default via GATEWAY` where a line does nothing but set that."""
    found = re.fullmatch(
        r"(?:Exec\w+=)?(?:[-@:+!|]*/\S*/)?ip\s+(?:-4\s+)?r(?:oute)?\s+(?:add|replace)\s+default\s+via\s+([\d.]+)"
        r"(?:\s+dev\s+[\w.-]+)?",
        text,
    )
    return f"default via {found[1]}" if found else ""
