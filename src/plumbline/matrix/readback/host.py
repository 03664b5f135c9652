"""A host's evidence against its rows: what is loaded now, what will be at boot, and what lies beside both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from plumbline.matrix.flows import HostFlows
from plumbline.matrix.readback.approved import Approved, Face
from plumbline.matrix.readback.compare import NEEDED, Difference, differences
from plumbline.matrix.readback.sockets import Sockets
from plumbline.model import Text
from plumbline.probes.base import ParseError
from plumbline.probes.firewall import BOOT, NOW
from plumbline.probes.firewall.ruleset import Ruleset
from plumbline.probes.host import DeliveredHost
from plumbline.report.locales import text
from plumbline.spec.model import HostSpec
from plumbline.verify.unknown import Unknown

When = Literal["now", "boot"]
SHOWN_MAX = 3
"""So many flows of one rule or row are told; how many more there are is."""
_SENTENCES = {
    "open": "open but not approved: {way} {flows}, by {by}",
    "rule": "a rule without a row, which other rules still stop: {way} {flows}, by {by}",
    "closed": "approved but closed: {way} {flows}, of row {by}",
    "needed": "closed, though every host needs it: {way} {by}",
    "unclear": "whether it passes cannot be said from the rules: {way} {flows}, of {by}",
}
_WAYS = {"in": "in", "out": "out", "through": "forwarded"}


@dataclass(frozen=True)
class Finding:
    """One difference between a host and its rows.

    `kind`: one of `compare`, or `rewrites`, `unread`, `loading`, `listening`, `unserved`, `talking`,
    `unknown`. `by`: the rule, the row, or who listens or talks.
    """

    when: When
    kind: str
    message: Text
    by: str = ""

    @property
    def at(self) -> Text:
        """When it is so, told."""
        return text("now") if self.when == "now" else text("at boot")


def read_back(host: DeliveredHost, spec: HostSpec, flows: HostFlows) -> list[Finding]:
    """Return in what a host differs from its rows; an observation that could not be made is a finding too."""
    return [*rules_read_back(host, spec, flows), *_sockets(host, flows)]


def rules_read_back(
    host: DeliveredHost, spec: HostSpec, flows: HostFlows, times: Sequence[When] = ("now", "boot")
) -> list[Finding]:
    """Return in what a host's rules differ from its rows, as they are loaded now and will be at boot."""
    approved = Approved(flows)
    faces = [Face(face.name, int(face.address)) for face in spec.interfaces if face.address is not None]
    firewall = host.firewall
    found: list[Finding] = []

    @cache
    def compared(rules: _Rules) -> list[Difference]:
        return differences(rules.loaded, approved, faces)

    rewrites = "packets are changed or not tracked: {by}"
    if "now" in times:
        found += _compared("now", flows, lambda: compared(_Rules(host.read(NOW))))
        found += _lines("now", "rewrites", firewall.rewriting_now, rewrites)
        unread = "rules of the old iptables, which nft does not show: {by}"
        found += _lines("now", "unread", lambda: firewall.legacy_tables, unread)
    if "boot" in times:
        found += _compared("boot", flows, lambda: compared(_Rules(host.read(BOOT).ruleset)))
        found += _lines("boot", "rewrites", firewall.rewriting_at_boot, rewrites)
        found += _lines("boot", "loading", lambda: firewall.boot_obstacles, "the rules are not loaded: {by}")
        found += _lines("boot", "loading", lambda: firewall.other_services, "another firewall service: {by}")
        found += _lines("boot", "loading", lambda: firewall.other_loaders, "rules are loaded elsewhere: {by}")
    return found


@dataclass(frozen=True)
class _Rules:
    """A ruleset that is followed once if it is loaded now and will be at boot; a large one takes long."""

    loaded: Ruleset | None

    def __hash__(self) -> int:
        return 0 if self.loaded is None else len(self.loaded.chains)


def _sockets(host: DeliveredHost, flows: HostFlows) -> list[Finding]:
    """Return what listens or talks without a row, and the rows that nobody serves."""
    try:
        sockets = Sockets.of(host.connections, flows)
    except Unknown as unknown:
        return [_unknown("now", unknown)]
    return [
        *_lines("now", "listening", sockets.unapproved_listeners, "listens but not approved: {by}"),
        *_lines("now", "unserved", sockets.unserved, "approved but nobody listens, of row {by}"),
        *_lines("now", "talking", sockets.strangers, "talks to someone not approved: {by}"),
    ]


def _compared(when: When, flows: HostFlows, compared: Callable[[], list[Difference]]) -> list[Finding]:
    try:
        found = compared()
    except Unknown as unknown:
        return [_unknown(when, unknown)]
    except ParseError as error:
        return [Finding(when, "unknown", text("the rules cannot be followed: {error}", error=error))]
    why = {one.flow.row.id: one.told() for one in flows.withheld}
    return [
        Finding(when, one.kind, _joined([_sentence(one), *(why[row] for row in one.withheld)]), one.by)
        for one in found
    ]


def _joined(told: list[Text]) -> Text:
    return Text(en="; ".join(one.en for one in told), sk="; ".join(one.sk for one in told))


def _sentence(one: Difference) -> Text:
    flows = ", ".join(one.flows[:SHOWN_MAX])
    if (more := len(one.flows) - SHOWN_MAX) > 0:
        flows += f" (+{more})"
    by: object = one.by or text("the lack of any filter")
    if one.by in NEEDED:
        by = text(one.by)
    return text(_SENTENCES[one.kind], way=text(_WAYS[one.way]), flows=flows, by=by)


def _lines(when: When, kind: str, seen: Callable[[], Sequence[object]], message: str) -> list[Finding]:
    try:
        return [Finding(when, kind, text(message, by=one), str(one)) for one in seen()]
    except Unknown as unknown:
        return [_unknown(when, unknown)]


def _unknown(when: When, unknown: Unknown) -> Finding:
    return Finding(when, "unknown", text(unknown.message, **unknown.arguments))
