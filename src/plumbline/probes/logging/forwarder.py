"""The forwarder itself: whether rsyslogd runs as its package has it, and is connected to the collector."""

from __future__ import annotations

import re

from plumbline.probes.logging.forwarding import Forwarding
from plumbline.probes.systemd import conditions
from plumbline.spec.site import LogCollector


def unconnected(forwarding: Forwarding, collector: LogCollector) -> list[str]:
    """Return why there is no connection to the collector now; none if there is one."""
    addresses = forwarding.addresses.get(collector.host.lower(), [])
    wanted = {f"{address}:{collector.port}" for address in (*addresses, collector.host)}
    if wanted & set(forwarding.connections):
        return []
    if not addresses and not re.fullmatch(r"[\d.]+", collector.host):
        return [f"{collector.host} has no address here"]
    return [f"no connection to {collector.host}:{collector.port}"]


def stopped(forwarding: Forwarding) -> list[str]:
    """Return why rsyslogd does not run as it is configured."""
    if not forwarding.is_installed:
        return ["rsyslog is not installed"]
    unit = forwarding.unit
    found = [f"rsyslog.service: {unit['ActiveState']}"] if unit["ActiveState"] != "active" else []
    return found + [f"{path}: changed since rsyslogd read it" for path in forwarding.stale]


def unusual_start(forwarding: Forwarding) -> list[str]:
    """Return how the service starts otherwise than its package has it."""
    found = [
        f"EnvironmentFile={line.split()[0]}"
        for line in forwarding.unit["EnvironmentFiles"].splitlines()
        if line
    ]
    for command in forwarding.commands("ExecStart"):
        # -f and -C read another configuration, -S and the like are of older versions.
        odd = [word for word in command.words[1:] if not re.fullmatch(r"-n|-iNONE|-[46]|-x", word)]
        if command.path not in {"/usr/sbin/rsyslogd", "/sbin/rsyslogd"} or odd:
            found.append(f"ExecStart={command}")
    paths = [forwarding.unit["FragmentPath"], *forwarding.unit["DropInPaths"].split()]
    found += [str(line) for line in conditions(forwarding.conditions, paths)]
    for name in ("ExecStartPre", "ExecCondition"):
        found += [f"{name}={command}" for command in forwarding.commands(name)]
    if forwarding.unit["NeedDaemonReload"] == "yes":
        found.append("rsyslog.service: changed since systemd read it")
    return found
