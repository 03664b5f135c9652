"""A host reached at another address than the specified one takes that: found free, taken beside the other.

Both are there until the host was entered at the new one; only then what configures its network is changed,
which removes the old one. The host's guard is armed before, so who does not get in that way changes nothing.
"""

from __future__ import annotations

import dataclasses
import shlex
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface

from plumbline.apply.ground import Ground, RefusedError
from plumbline.apply.guard import Scope
from plumbline.apply.results import HostResult
from plumbline.apply.shell import Shell
from plumbline.evidence.known_hosts import known_keys
from plumbline.evidence.login import known_hosts_files
from plumbline.evidence.ssh import SshTarget
from plumbline.policy.standard import DesiredState
from plumbline.spec.load import Inventory

SUBJECT = "network"
"""The subject whose operations depend on which addresses there are when they are planned."""

NOTE = "it has its specified address {} now: take its line out of `addresses` in connection.yml"

# A refusal is an answer too, and whoever drops what he gets still answers ARP (arp(7)).
# Secondary addresses go with the first of their network unless they are promoted (kernel, ip-sysctl.rst).
_TAKE = r"""
PATH=$PATH:/usr/sbin:/sbin; LC_ALL=C; export LC_ALL
ip neigh del "$new" dev "$dev" 2>/dev/null  # who had it may have gone
if said=$(timeout 3 bash -c '</dev/tcp/$0/$1' "$new" "$port" 2>&1); then
    echo "a host answers there"; exit 3
fi
case $said in *refused*) echo "a host answers there"; exit 3 ;; esac
mac=$(ip -4 neigh show "$new" dev "$dev" | sed -n 's/.* lladdr \([^ ]*\).*/\1/p')
[ -z "$mac" ] || { echo "the host $mac has it"; exit 3; }
echo 1 > "/proc/sys/net/ipv4/conf/$dev/promote_secondaries" && ip addr add "$new/$bits" dev "$dev"
"""


@dataclass(frozen=True)
class Move:
    """That `interface` is to take `address` beside `present`, at which the host was reached."""

    interface: str
    present: IPv4Address
    address: IPv4Interface

    @property
    def scope(self) -> Scope:
        """What it changes on the host beyond the addresses, which the guard keeps anyway."""
        return Scope(sysctls=frozenset({f"net.ipv4.conf.{self.interface}.promote_secondaries"}))

    def at_the_new(self, target: SshTarget) -> SshTarget:
        """Return how to enter the host once it has the address."""
        return dataclasses.replace(target, address=str(self.address.ip))


def move_of(ground: Ground, desired: DesiredState) -> Move | None:
    """Return the move a host is to make, None if it has its first interface's specified address.

    RefusedError where it was not reached at that interface: something else would have to be moved as well.
    """
    first = desired.host.interfaces[0]
    there = ground.addresses.get(first.name, [])
    if first.address is None or first.vlan is None or str(first.address) in there:
        return None
    if ground.server not in there:
        raise RefusedError(
            f"it was reached at {ground.server or 'an unknown address'}, which is not at its interface "
            f"{first.name} (there: {', '.join(there) or 'no IPv4 address'}); only the interface it is "
            "reached at can be given another address",
            hint="correct the specification's interfaces, or the host's address at its console",
        )
    bits = desired.site.vlan(first.vlan).network.prefixlen
    return Move(first.name, IPv4Address(ground.server), IPv4Interface(f"{first.address}/{bits}"))


def as_moved(ground: Ground, move: Move) -> Ground:
    """Return how the host will be seen from then on; whether that would cut the way in is judged by it."""
    there = [*ground.addresses[move.interface], str(move.address.ip)]
    addresses = {**ground.addresses, move.interface: there}
    return dataclasses.replace(ground, server=str(move.address.ip), addresses=addresses)


def refuse_to_move(inventory: Inventory, target: SshTarget, move: Move) -> None:
    """Raise RefusedError unless it is sure, before anything is touched, that this is the host that is meant.

    No other declared host has the address it is reached at, and a key it is known by there is known for the
    specified address as well: a person has said so.
    """
    for name, (_, host) in inventory.hosts().items():
        if name != target.name and move.present in [one.address for one in host.interfaces]:
            raise RefusedError(
                f"{move.present}, at which it is reached, is the specified address of {name}",
                hint="correct `addresses` in connection.yml",
            )
    files, address = known_hosts_files(target.known_hosts), str(move.address.ip)
    now = {key.blob for key in known_keys(files, (target.address, target.name), target.port)}
    then = {key.blob for key in known_keys(files, (address,), target.port) if not key.revoked}
    if not then & now:
        told = "another key is" if then else "no key is"
        raise RefusedError(
            f"{told} known for its specified address {address}, so nobody has said that it is this host",
            hint=f"if it is, add the key that is known for {target.address} to {files[0]} for {address} too",
        )


def take(shell: Shell, move: Move, port: int) -> None:
    """Let the host take the address; RefusedError if another host has it, or the host cannot."""
    values = {"new": move.address.ip, "bits": move.address.network.prefixlen, "dev": move.interface}
    words = "; ".join(f"{name}={shlex.quote(str(value))}" for name, value in {**values, "port": port}.items())
    done = shell.run(f"{words}\n{_TAKE}", seconds=15)
    if done.status == 3:
        raise RefusedError(
            f"its specified address {move.address.ip} is taken: {done.out.strip()}",
            hint="find out who has it; two hosts at one address are both not reached",
        )
    if done.status != 0:
        raise RefusedError(f"it does not take the address {move.address}: {done.out.strip()}")


def without_network(result: HostResult) -> HostResult:
    """Return a plan but for what depends on the addresses that are there."""
    return result.model_copy(update={"changed": [one for one in result.changed if one.subject != SUBJECT]})
