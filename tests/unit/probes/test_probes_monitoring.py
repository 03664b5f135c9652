"""The monitoring's agents, from what they and systemd really printed, and from what damages it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from recorded_host import host_printing

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.host import DeliveredHost
from plumbline.probes.monitoring import (
    ON_DISK,
    PROCESSES,
    SNMP,
    SNMP_CONFIGURATION,
    STARTING,
    UNITS,
    ZABBIX,
    ZABBIX_CONFIGURATION,
)
from plumbline.probes.monitoring.agents import unusual_words
from plumbline.probes.monitoring.snmp import _EDIT
from plumbline.verify.unknown import Unknown

RECORDED = Path(__file__).parents[2] / "recorded"
AGENT = "/usr/sbin/zabbix_agent2"


def text(path: str) -> str:
    return (RECORDED / "monitoring" / path).read_text()


def host(**instead: str) -> DeliveredHost:
    answers: dict[Probe[object], str] = {
        PROCESSES: text("processes-debian-12.txt"),  # type: ignore[dict-item]
        UNITS: text("units-systemd-252.txt"),  # type: ignore[dict-item]
        STARTING: text("starting-debian-12.txt"),  # type: ignore[dict-item]
        ZABBIX_CONFIGURATION: text("zabbix-6.0.14.txt"),  # type: ignore[dict-item]
        SNMP_CONFIGURATION: text("snmp-5.9.3.txt"),  # type: ignore[dict-item]
        ON_DISK: (RECORDED / "systemd/on-disk-systemd-252.txt").read_text(),  # type: ignore[dict-item]
    }
    named = {probe.name.rsplit(".", 1)[-1]: probe for probe in answers}
    return host_printing(answers | {named[name]: printed for name, printed in instead.items()})


def zabbix(*lines: str) -> DeliveredHost:
    rows = "".join(
        f"line\t/etc/zabbix/zabbix_agent2.conf\t{number}\t{line}\n" for number, line in enumerate(lines, 1)
    )
    return host(zabbix=f"file\t1.5\t/etc/zabbix/zabbix_agent2.conf\n{rows}end\n")


def snmp(*lines: str) -> DeliveredHost:
    rows = "".join(f"line\t/etc/snmp/snmpd.conf\t{n}\t{line}\n" for n, line in enumerate(lines, 1))
    return host(snmp=f"installed\tsnmpd\nfile\t1.5\t/etc/snmp/snmpd.conf\n{rows}end\n")


def test_recorded_zabbix() -> None:
    monitoring = host().monitoring
    assert monitoring.running(ZABBIX) == ["zabbix-agent2.service"]
    assert monitoring.unusual_start(ZABBIX) == []
    assert monitoring.second_agents(ZABBIX) == []
    assert {seen.bare for seen in monitoring.asking_servers()} == {"10.89.1.251"}
    assert [seen.bare for seen in monitoring.accepted_connections()] == ["psk"]
    assert [seen.bare for seen in monitoring.own_connections()] == ["psk"]
    assert monitoring.weak_keys(range(256, 257)) == []
    assert monitoring.remote_commands() == []


def test_recorded_file_that_changed_after_the_start_is_named() -> None:
    (changed,) = host().monitoring.changed_since_start(ZABBIX)
    assert changed.startswith("/etc/zabbix/zabbix_agent2.conf (after zabbix_agent2 (process 238")


def test_recorded_snmp() -> None:
    monitoring = host().monitoring
    assert monitoring.old_snmp == []
    assert monitoring.weak_grants == []
    assert monitoring.writable == []
    assert monitoring.snmp_readers == ["otmonitor"]
    (user,) = monitoring.snmp_users
    assert (user.name, user.authentication, user.privacy) == ("otmonitor", "SHA-512", "AES-256")
    assert monitoring.unusual_start(SNMP) == []


def test_recorded_snmp_as_debian_delivers_it() -> None:
    monitoring = host(snmp=text("snmp-5.9.3-delivered.txt")).monitoring
    assert len(monitoring.old_snmp) == 2
    assert monitoring.weak_grants == []


def test_zabbix_beside_snmp_is_a_second_agent() -> None:
    assert host().monitoring.second_agents(SNMP) == ["zabbix_agent2 (process 238, zabbix-agent2.service)"]


@pytest.mark.parametrize(
    ("lines", "accepted"),
    [
        ((), ["unencrypted"]),
        (("TLSAccept=",), ["unencrypted"]),
        (("TLSAccept=psk, cert",), ["psk", "cert"]),
        (("TLSAccept=psk", "TLSAccept=unencrypted"), ["unencrypted"]),
    ],
)
def test_last_line_says_how_the_agent_is_asked(lines: tuple[str, ...], accepted: list[str]) -> None:
    assert [seen.bare for seen in zabbix(*lines).monitoring.accepted_connections()] == accepted


@pytest.mark.parametrize(("port", "accepted"), [("9999", ["psk", "unencrypted"]), ("0", ["psk"])])
def test_a_port_for_the_agent_s_state_is_unencrypted(port: str, accepted: list[str]) -> None:
    found = zabbix("TLSAccept=psk", f"StatusPort={port}").monitoring.accepted_connections()
    assert [seen.bare for seen in found] == accepted


def test_tls_of_reports_matters_only_where_there_are_any() -> None:
    assert zabbix("Server=10.0.0.1").monitoring.own_connections() == []
    assert [seen.bare for seen in zabbix("ServerActive=10.0.0.1").monitoring.own_connections()] == [
        "unencrypted"
    ]


@pytest.mark.parametrize(
    ("written", "servers"),
    [
        ("ServerActive=10.0.0.1:10051", ["10.0.0.1"]),
        ("ServerActive=a.example;b.example:1,c.example", ["a.example", "b.example", "c.example"]),
        ("ServerActive=[fd00::1]:10051", ["fd00::1"]),
        ("ServerActive=fd00::1", ["fd00::1"]),
        ("Server=10.0.0.0/8, ::/0", ["10.0.0.0/8", "::/0"]),
        ("Server=10.0.0.1/32,Monitoring.OT.example", ["10.0.0.1", "monitoring.ot.example"]),
    ],
)
def test_servers_without_their_ports_and_however_spelt(written: str, servers: list[str]) -> None:
    assert [seen.bare for seen in zabbix(written).monitoring.asking_servers()] == servers


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ((), 0),
        (("AllowKey=system.run[*]",), 1),
        (("DenyKey=system.run[*]", "AllowKey=system.run[*]"), 0),
        (("DenyKey=system.run[rm *]", "AllowKey=system.run[*]"), 1),
        (("AllowKey=sys*[*]",), 1),
        (("AllowKey=*",), 1),
        (("DenyKey=*", "AllowKey=system.run[*]"), 0),
        (("AllowKey=vfs.*[*]", "DenyKey=*"), 0),
        (("AllowKey=system.run",), 0),
        (("UnsafeUserParameters=1",), 1),
        (("UserParameter=x[*],$",), 1),
        (("UserParameter=x,",), 0),
    ],
)
def test_commands_of_the_server(lines: tuple[str, ...], found: int) -> None:
    assert len(zabbix(*lines).monitoring.remote_commands()) == found


@pytest.mark.parametrize(
    ("psk", "told"),
    [
        ("", 1),
        ("psk\t400 zabbix 1.5\t64\t/k\n", 0),
        ("psk\t400 zabbix 1.5\t32\t/k\n", 1),
        ("psk\t440 zabbix 1.5\t64\t/k\n", 1),
        ("psk\t604 zabbix 1.5\t32\t/k\n", 2),
    ],
)
def test_shared_key(psk: str, told: int) -> None:
    conf = "/etc/zabbix/zabbix_agent2.conf"
    rows = f"line\t{conf}\t1\tTLSAccept=psk\nline\t{conf}\t2\tTLSPSKFile=/k\n"
    printed = f"file\t1.5\t{conf}\n{rows}{psk}end\n"
    assert len(host(zabbix=printed).monitoring.weak_keys(range(256, 2049))) == told


@pytest.mark.parametrize(
    "line",
    [
        "rocommunity default",
        "RWcommunity6",
        "com2sec old default",
        "com2secunix",
        "authcommunity log,net",
        "trap2sink",
        "trapsess -v 2c",
        "proxy -v 1",
        "group old v2c old",
        'access g "" any priv exact all none none',
        "authgroup -s v1 read old",
        "vacmAccess 1 3 2 3 1 g none all none none",
        "defVersion 2c",
    ],
)
def test_road_to_an_old_version(line: str) -> None:
    assert snmp(line).monitoring.old_snmp == [
        f"{' '.join(line.replace(chr(34) * 2, '').split(' '))} (/etc/snmp/snmpd.conf:1)"
    ]


@pytest.mark.parametrize("line", ["rouser a priv", "trapsess -v 3", "group g usm a", "agentAddress udp:161"])
def test_version_3_is_no_old_version(line: str) -> None:
    assert snmp(line).monitoring.old_snmp == []


@pytest.mark.parametrize(
    ("line", "weak"),
    [
        ("rouser a", True),
        ("rouser a auth", True),
        ("rouser a noauth .1", True),
        ("rouser a priv .1", False),
        ("rouser -s usm a authPriv", False),
        ("rwuser a AuthPriv", False),
        ("authuser read a", True),
        ("authuser read,write -s usm a priv", False),
        ("authaccess read -s usm g view", True),
        ("authaccess read -s usm g view priv", False),
        ('access g "" usm priv exact all none none', False),
        ('access g "" usm auth exact all none none', True),
        ("agentXSocket tcp:705", True),
        ("agentXSocket /run/agentx", False),
    ],
)
def test_grant_that_asks_for_too_little(line: str, weak: bool) -> None:
    assert bool(snmp(line).monitoring.weak_grants) == weak


@pytest.mark.parametrize(
    ("line", "writes"),
    [
        ("rwuser a priv", True),
        ("rouser a priv", False),
        ("authuser read,write a priv", True),
        ('access g "" usm priv exact all all none', True),
        ('access g "" usm priv exact all none none', False),
        ("rwcommunity", True),
    ],
)
def test_grant_to_write(line: str, writes: bool) -> None:
    assert bool(snmp(line).monitoring.writable) == writes


@pytest.mark.parametrize(
    ("line", "algorithms"),
    [
        ("createUser a SHA AES", ("SHA-1", "AES-128")),
        ("createUser a SHA-512 AES-256", ("SHA-512", "AES-256")),
        ("createUser a SHA256 aes256", ("SHA-256", "AES-256")),
        ("createUser a MD5 -", ("MD5", "none")),
        ("createUser a - -", ("none", "none")),
        ("createUser a ? ?", ("?", "?")),
        ("usmUser a .1.3.6.1.6.3.10.1.1.1 .1.3.6.1.6.3.10.1.2.1", ("none", "none")),
        ("usmUser a .1.3.6.1.6.3.10.1.1.5 .1.3.6.1.4.1.9.12.6.1.2", ("SHA-256", "AES-256-C")),
        ("usmUser a .1.2.3 .1.2.4", (".1.2.3", ".1.2.4")),
    ],
)
def test_algorithms_of_a_user(line: str, algorithms: tuple[str, str]) -> None:
    (user,) = snmp(line).monitoring.snmp_users
    assert (user.authentication, user.privacy) == algorithms


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("rocommunity s3cret default", "rocommunity default"),
        ('rocommunity "s3 cret" default', "rocommunity"),
        ("com2sec -Cn ctx old default s3cret", "com2sec old default"),
        ("com2sec old default s3cret", "com2sec old default"),
        ("createUser a SHA-512 s3cret AES-256 s3cret", "createUser a SHA-512 AES-256"),
        ('createUser a SHA-512 "s3 cret" AES-256 "s3cret"', "createUser a SHA-512 AES-256"),
        ("createUser -e 0x80 a SHA-512 -m s3cret AES -l s3cret", "createUser a SHA-512 AES"),
        ("createUser a s3cret", "createUser a ?"),
        ("createUser a MD5 s3cret s3cret", "createUser a MD5 ?"),
        ("createUser a", "createUser a -"),
        ("trapsess -v 3 -A s3cret -v2c -c s3cret h", "trapsess -v 3 -v 2c"),
        ("trap2sink h s3cret", "trap2sink"),
        ("authcommunity read s3cret", "authcommunity read"),
        ("sysContact s3cret", ""),
        ("[snmp] defAuthPassphrase s3cret", ""),
        ("[snmpd] rocommunity s3cret", "rocommunity"),
        ('"rocommunity" s3cret default', "rocommunity default"),
        ("\\rocommunity s3cret default", "rocommunity default"),
        ("'rocommunity' \"s3 cret\" default", "rocommunity"),
    ],
)
def test_no_secret_of_a_line_leaves_the_host(tmp_path: Path, written: str, told: str) -> None:
    file = tmp_path / "snmpd.conf"
    file.write_text(f"{written}\n")
    printed = subprocess.run(["awk", _EDIT, str(file)], check=True, capture_output=True, text=True).stdout
    line = printed.partition("\t1\t")[2]
    assert "s3" not in line
    assert "cret" not in line
    assert " ".join(line.split()[: len(told.split())]) == told


@pytest.mark.parametrize(
    ("product", "words", "unusual"),
    [
        (ZABBIX, f"{AGENT} -foreground -c /etc/zabbix/zabbix_agent2.conf", []),
        (ZABBIX, f"{AGENT} -f -c /etc/x.conf", ["-c /etc/x.conf"]),
        (ZABBIX, "/opt/zabbix_agent2 -f", ["/opt/zabbix_agent2"]),
        (SNMP, "/usr/sbin/snmpd -Lf /dev/null -u a -g a -I -smux mteTrigger -p /run/x -f", []),
        (SNMP, "/usr/sbin/snmpd -f -C -c /x", ["-C", "-c", "/x"]),
        (SNMP, "/usr/sbin/snmpd -f udp:161", ["udp:161"]),
        (SNMP, "/usr/sbin/snmpd -I -smux 161", ["161"]),
        (SNMP, "", ["no command"]),
    ],
)
def test_words_an_agent_is_started_with(product: str, words: str, unusual: list[str]) -> None:
    assert list(unusual_words(product, words.split())) == unusual


def test_units_that_systemd_has_not_read_anew_are_unknown() -> None:
    printed = text("units-systemd-252.txt").replace("NeedDaemonReload=no", "NeedDaemonReload=yes")
    with pytest.raises(Unknown):
        host(units=printed).monitoring.unusual_start(ZABBIX)


@pytest.mark.parametrize(
    ("instead", "told"),
    [
        ({"starting": "/lib/systemd/system/snmpd.service:4:ConditionPathExists=/never\n"}, "/never"),
        ({"starting": "/etc/default/zabbix-agent2:1:DAEMON_ARGS=-c /etc/x.conf\n"}, "-c /etc/x.conf"),
    ],
)
def test_what_changes_a_start_is_named(instead: dict[str, str], told: str) -> None:
    product = SNMP if "never" in told else ZABBIX
    (found,) = host(**instead).monitoring.unusual_start(product)
    assert told in found


@pytest.mark.parametrize(
    ("probe", "printed"),
    [
        (PROCESSES, ""),
        (PROCESSES, "now\t1\t2 3\t100\nprocess\t1\tsnmpd\n" + "end\n"),
        (UNITS, "ActiveState=active\n"),
        (STARTING, "grep: no such file\n"),
        (ZABBIX_CONFIGURATION, "file\t1.5\t/etc/zabbix/zabbix_agent2.conf\n"),
        (ZABBIX_CONFIGURATION, "file\t1.5\t/etc/other.conf\nend\n"),
        (SNMP_CONFIGURATION, "line\t/etc/snmp/snmpd.conf\t1\t\nend\n"),
        (SNMP_CONFIGURATION, "rocommunity public\nend\n"),
    ],
)
def test_damaged_output_is_not_understood(probe: Probe[object], printed: str) -> None:
    with pytest.raises((ParseError, ValueError)):
        probe.parse(Output(printed.encode(), b"", 0))
