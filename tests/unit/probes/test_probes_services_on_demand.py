"""What D-Bus and the audit daemon start, what every program loads, and what drop-ins of sockets change."""

from __future__ import annotations

import pytest
from services_host import permitted, printed, services

from plumbline.probes.services import INSTALLED, UNIT_SETTINGS
from plumbline.probes.services.required import Required

HOST = "debian-12-hardened"


def required(*rows: str, settings: tuple[str, ...] = ()) -> Required:
    """Return a hardened host's services with further rows of what is installed and of unit settings."""
    changed = {
        probe: printed(HOST)[probe].removesuffix("end\n") + "".join(f"{row}\n" for row in more) + "end\n"
        for probe, more in ((INSTALLED, rows), (UNIT_SETTINGS, settings))
    }
    return services(HOST, changed).required(permitted())


def test_own_service_of_d_bus_is_a_job() -> None:
    path = "/usr/share/dbus-1/system-services/test.plant.Own.service"
    assert required(f"dbus\t{path}\t\t/opt/own").undeclared_jobs() == [f"{path}: /opt/own as root"]
    assert required(f"dbus\t{path}\tplain\t/opt/own").undeclared_jobs() == [f"{path}: /opt/own as plain"]


def test_packaged_service_of_d_bus_and_plugin_of_the_audit_are_none() -> None:
    path = "/usr/share/dbus-1/system-services/org.freedesktop.x.service"
    rows = [f"brings\tdbus\t{path}", f"dbus\t{path}\troot\t/usr/libexec/x"]
    rows += ["brings\tdbus\t/usr/sbin/audisp-remote"]
    rows += [f"plugin\t/etc/audit/plugins.d/{n}.conf\t6\t/{n}/audisp-remote" for n in ("sbin", "usr/sbin")]
    assert required(*rows).undeclared_jobs() == []


def test_own_plugin_of_the_audit_is_a_job() -> None:
    row = "plugin\t/etc/audit/plugins.d/own.conf\t3\t/opt/own"
    assert required(row).undeclared_jobs() == ["/etc/audit/plugins.d/own.conf:3: /opt/own as root"]


def test_library_loaded_into_every_unit_is_a_change() -> None:
    row = "preload\t/etc/ld.so.preload\t1\t/usr/local/lib/own.so"
    assert required(row).changed_units() == ["/etc/ld.so.preload:1: /usr/local/lib/own.so"]


@pytest.mark.parametrize(
    ("file", "line", "told"),
    [
        ("dbus.socket.d/x.conf", "ListenStream=7777", True),
        ("dbus.socket.d/x.conf", "ListenStream = 0.0.0.0:7777", True),
        ("dbus.socket.d/x.conf", "ListenDatagram=[::]:7777", True),
        ("dbus.socket.d/x.conf", "ListenStream=127.0.0.1:7777", False),
        ("dbus.socket.d/x.conf", "ListenStream=[::1]:7777", False),
        ("dbus.socket.d/x.conf", "ListenStream=/run/own", False),
        ("dbus.socket.d/x.conf", "ListenStream=", False),
        ("ssh.socket.d/x.conf", "ListenStream=10.1.2.3:22", False),
        ("ssh.socket.d/x.conf", "ListenStream=2222", True),
        ("dbus.socket.d/x.conf", "Service=own.service", True),
        ("dbus.socket.d/x.conf", "Service=dbus.service", False),
        ("apt-daily.timer.d/x.conf", "Unit=own.service", True),
        ("apt-daily.timer.d/x.conf", "Unit=apt-daily.service", False),
        ("own.timer.d/x.conf", "Unit=other.service", False),
    ],
)
def test_drop_in_of_a_socket_or_timer(file: str, line: str, told: bool) -> None:
    row = f"line\t/etc/systemd/system/{file}\t2\t{line}"
    assert bool(required(settings=(row,)).changed_units()) is told
