"""What listens, held against where a host's services may listen."""

from __future__ import annotations

from dataclasses import dataclass

from plumbline.probes.services.required import Required
from plumbline.probes.services.running import Elsewhere, Process
from plumbline.probes.services.sockets import Socket
from plumbline.spec.services import Listener, Service


@dataclass(frozen=True)
class Listening:
    """The sockets of a host that others can reach, and who may have them.

    What listens on loopback alone is left out: its process is judged with the services.
    """

    required: Required

    @property
    def open(self) -> list[Socket]:
        """Sockets that others can reach; of a service's own questions (datagrams) none."""
        return [
            socket
            for socket in self.required.running.sockets
            if not socket.is_local and not (socket.is_clients and self._may_all_run(socket))
        ]

    def units(self, socket: Socket) -> list[str]:
        """Return the units that hold a socket; empty where the kernel itself does."""
        if socket.unit:
            return [socket.unit]
        return sorted({process.unit for process in self.holders(socket)})

    def holders(self, socket: Socket) -> list[Process]:
        """Return the processes that hold a socket."""
        return self.required.running.holders(socket)

    def _may_all_run(self, socket: Socket) -> bool:
        units = self.units(socket)
        return bool(units) and all(self.required.may_run(unit) for unit in units)

    def declared(self, socket: Socket) -> list[tuple[Service, Listener]]:
        """Return the declared listeners that a socket is, held by the service that declares it."""
        found = self.required.permitted.listener(socket.protocol, socket.address, socket.port)
        if not socket.pids:
            return found
        units = self.units(socket)
        return [
            (service, listener)
            for service, listener in found
            if all(self._is_of(unit, service) for unit in units)
        ]

    def _is_of(self, unit: str, service: Service) -> bool:
        package = self.required.package_of(unit)
        return self.required.permitted.service_of(unit, package) == service

    def is_distribution_s(self, socket: Socket) -> bool:
        """Say whether a socket is one the distribution's own services have, such as SSH's."""
        units = self.units(socket)
        permitted = self.required.permitted
        return bool(units) and all(
            self.required.is_system(unit)
            and permitted.baseline_listens(self.required.package_of(unit), socket.protocol, socket.port)
            for unit in units
        )

    def undeclared(self) -> list[str]:
        """Sockets that others can reach and that no service declares, with who holds them."""
        found: dict[str, None] = {}
        for socket in self.open:
            if not self.is_distribution_s(socket) and not self.declared(socket):
                found[f"{socket} by {self.told(socket)}{self._why(socket)}"] = None
        return list(found)

    def told(self, socket: Socket) -> str:
        """Tell who holds a socket."""
        if socket.unit:
            return self.required.told(socket.unit)
        holders = self.holders(socket)
        if not holders:
            return "the kernel" if not socket.pids else f"process {socket.pids[0]}"
        return f"{holders[0]} in {holders[0].unit or holders[0].cgroup}"

    def _why(self, socket: Socket) -> str:
        permitted = self.required.permitted
        named = permitted.listener(socket.protocol, socket.address, socket.port)
        if named:
            return f"; declared for {named[0][0].name}"
        others = [
            f"{service.name} {listener}"
            for service in permitted.services
            for listener in service.listeners
            if listener.port == socket.port
        ]
        return f"; declared is {', '.join(others)}" if others else ""

    def elsewhere(self) -> list[str]:
        """Listeners in other network namespaces, as containers have them, that no service declares."""
        return [
            f"{each}, {self._process(each)}" if self._process(each) else str(each)
            for each in self.required.running.elsewhere
            if not each.is_local and not self._is_declared(each)
        ]

    def _process(self, each: Elsewhere) -> Process | None:
        return self.required.running.processes.get(each.process)

    def _is_declared(self, each: Elsewhere) -> bool:
        process = self._process(each)
        named = self.required.permitted.listener(each.protocol, each.address, each.port)
        return process is not None and any(self._is_of(process.unit, service) for service, _ in named)
