"""What the probes of services print is understood rightly, or not at all, and held against what may run."""

from __future__ import annotations

import pytest
from services_host import FILES, cleartext, permitted, printed, process_row, service, services

from plumbline.probes.base import Output, ParseError
from plumbline.probes.services import INSTALLED, RUNNING, UNIT_SETTINGS
from plumbline.probes.services.running import Running
from plumbline.probes.services.unit_settings import is_full_privilege, program_of
from plumbline.verify.unknown import Unknown

HOSTS = ("debian-12-hardened", "debian-13-hardened", "debian-12-many-servers")


def told(text: str) -> Output:
    return Output(text.encode(), b"", 0)


def running(*rows: str, host: str = "debian-12-hardened") -> Running:
    """Read a host's processes and sockets with further rows."""
    whole = printed(host)[RUNNING]
    return RUNNING.parse(told(whole.removesuffix("end\n") + "".join(rows) + "end\n"))


def with_rows(*rows: str, host: str = "debian-12-hardened") -> dict[object, str]:
    whole = printed(host)[RUNNING]
    return {RUNNING: whole.removesuffix("end\n") + "".join(rows) + "end\n"}


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("host", HOSTS)
def test_cut_off_anywhere_is_no_answer(file: str, host: str) -> None:
    probe, whole = FILES[file], printed(host)[FILES[file]]
    probe.parse(told(whole))
    for end in range(0, len(whole) - 1, max(1, len(whole) // 50)):
        with pytest.raises(ParseError):
            probe.parse(told(whole[:end]))


def test_hardened_hosts_run_nothing_undeclared() -> None:
    for version in ("12", "13"):
        required = services(f"debian-{version}-hardened").required(permitted(version))
        assert required.undeclared_packages() == []
        assert required.own_units() == []
        assert required.changed_units() == []
        assert required.undeclared_now() == []
        assert required.undeclared_at_boot() == []
        assert required.undeclared_jobs() == []
        assert required.user_services() == []
        assert required.beside_services() == []


def test_antivirus_that_is_not_the_site_s_is_undeclared() -> None:
    bare = permitted()
    other = type(bare)(**{**vars(bare), "site_packages": frozenset(), "site_units": frozenset()})
    required = services("debian-12-hardened").required(other)
    assert [line.partition(":")[0] for line in required.undeclared_packages()] == [
        "clamav-daemon",
        "clamav-freshclam",
    ]
    assert "clamav-daemon.socket (package clamav-daemon): running" in required.undeclared_now()


def test_many_servers_are_named_with_their_packages() -> None:
    required = services("debian-12-many-servers").required(permitted())
    assert "vsftpd: /etc/init.d/vsftpd, vsftpd.service" in required.undeclared_packages()
    assert "postgresql@15-main.service (package postgresql-common): running" in required.undeclared_now()
    assert "rpcbind.socket (package rpcbind): running" in required.undeclared_now()
    assert "inetutils-syslogd.service (package inetutils-syslogd)" in required.undeclared_at_boot()


def test_declared_by_package_by_unit_or_as_software() -> None:
    declared = [service("history", units=["postgresql*.service"]), service("broker", packages=["mosquitto"])]
    required = services("debian-12-many-servers").required(
        permitted("12", declared, software=["nginx-common"])
    )
    told_now = "\n".join(required.undeclared_now())
    assert "vsftpd.service" in told_now
    for unit in ("postgresql@15-main.service", "mosquitto.service", "nginx.service"):
        assert unit not in told_now


def test_without_units_a_service_is_its_name_and_its_instances() -> None:
    declared = service("postgresql")
    assert permitted("12", [declared]).service_of("postgresql@15-main.service") == declared
    assert permitted("12", [declared]).service_of("postgresql-upgrade.service") is None


def test_who_listens_is_told_with_unit_and_process() -> None:
    listening = services("debian-12-many-servers").listening(permitted())
    told_open = listening.undeclared()
    assert any(line.startswith("tcp *:21 by /usr/sbin/vsftpd (process ") for line in told_open)
    assert "tcp *:111 by rpcbind.socket (package rpcbind)" in told_open
    assert not any(":22 " in line or "127.0.0.1" in line for line in told_open)


def test_declared_port_of_another_service_is_told_as_that() -> None:
    declared = [service("history", units=["history.service"], ports=[21])]
    told_open = services("debian-12-many-servers").listening(permitted("12", declared)).undeclared()
    assert [line.rpartition("; ")[2] for line in told_open if line.startswith("tcp *:21 ")] == [
        "declared for history"
    ]


def test_declared_address_is_not_any_address() -> None:
    listens = [{"port": 21, "address": "10.1.2.3"}]
    declared = [service("vsftpd", packages=["vsftpd"], listens=listens)]
    told_open = services("debian-12-many-servers").listening(permitted("12", declared)).undeclared()
    assert [line.rpartition("; ")[2] for line in told_open if line.startswith("tcp *:21 ")] == [
        "declared is vsftpd tcp 10.1.2.3:21"
    ]


def socket(name: str, pid: int, port: int = 9999, protocol: str = "tcp", address: str = "*") -> str:
    state = "LISTEN" if protocol == "tcp" else "UNCONN"
    return (
        f'socket\t{protocol} {state} 0 128 {address}:{port} 0.0.0.0:* users:(("{name}",pid={pid},fd=3)) '
        "ino:1 sk:1 cgroup:/x <->\n"
    )


@pytest.mark.parametrize("name", ["x", '",pid=1,fd=3)', '",pid=1,fd=3))', 'a b"c,pid=1,'])
def test_a_process_cannot_call_itself_another_in_a_socket(name: str) -> None:
    (found,) = [each for each in running(socket(name, 555)).sockets if each.port == 9999]
    assert found.pids == (555,)


def test_socket_of_the_kernel_has_no_process() -> None:
    row = "socket\ttcp LISTEN 0 64 0.0.0.0:2049 0.0.0.0:* ino:1 sk:1 cgroup:unreachable: <->\n"
    listening = services("debian-12-hardened", with_rows(row)).listening(permitted())
    assert listening.undeclared() == ["tcp *:2049 by the kernel"]


@pytest.mark.parametrize(
    ("row", "open_to_others"),
    [
        (socket("x", 555, address="127.0.0.1"), False),
        (socket("x", 555, address="[::1]"), False),
        (socket("x", 555, address="[::ffff:127.0.0.1]"), False),
        (socket("x", 555, address="127.0.0.53%lo"), False),
        (socket("x", 555, address="10.1.2.3"), True),
        (socket("x", 555, address="*"), True),
        (socket("x", 555, address="[::]"), True),
        (socket("x", 555, port=40000, protocol="udp"), True),
    ],
)
def test_what_others_can_reach(row: str, open_to_others: bool) -> None:
    listening = services("debian-12-hardened", with_rows(row)).listening(permitted())
    assert bool(listening.undeclared()) is open_to_others


def test_questions_of_a_permitted_service_are_no_listener() -> None:
    chrony = next(p for p in running().processes.values() if p.unit == "chrony.service")
    row = socket("chronyd", chrony.pid, port=40000, protocol="udp")
    assert services("debian-12-hardened", with_rows(row)).listening(permitted()).undeclared() == []
    low = socket("chronyd", chrony.pid, port=123, protocol="udp")
    assert len(services("debian-12-hardened", with_rows(low)).listening(permitted()).undeclared()) == 1


SESSION = "/user.slice/user-0.slice/session-3.scope"
USER = "/user.slice/user-1000.slice/user@1000.service"


@pytest.mark.parametrize(
    ("row", "seen"),
    [
        (process_row(900, cgroup=SESSION, parent="899"), False),
        (process_row(900, cgroup=SESSION), True),
        (process_row(900, cgroup=SESSION, exe="/usr/sbin/sshd", name="sshd"), False),
        (process_row(900, cgroup=SESSION, exe="/home/x/sshd", name="sshd"), True),
        (process_row(900, cgroup=SESSION, exe="/usr/bin/tmux", name="tmux: server"), False),
        (process_row(900, cgroup="/"), True),
        (process_row(900, cgroup="/system.slice/run-r1.scope"), True),
        (process_row(900, cgroup="/system.slice/docker-1f.scope"), True),
        (process_row(900, cgroup="/system.slice/cron.service", exe="/usr/sbin/cron", name="cron"), False),
        (process_row(900, cgroup="/system.slice/ssh.service"), True),
        (process_row(900, cgroup="/system.slice/ssh.service", parent="39"), False),
        (process_row(900, cgroup="/system.slice/ssh.service", exe="/memfd:x (deleted)", parent="39"), True),
        (process_row(900, cgroup="/system.slice/ssh.service", exe="/opt/x (deleted)", parent="39"), True),
        # upgraded and not yet started anew: what is owed there is not this check's business
        (
            process_row(900, cgroup="/system.slice/ssh.service", exe="/usr/bin/x (deleted)", parent="39"),
            False,
        ),
        (process_row(900, cgroup=f"{USER}/init.scope", exe="/usr/lib/systemd/systemd"), False),
    ],
)
def test_what_runs_beside_the_services(row: str, seen: bool) -> None:
    required = services("debian-12-hardened", with_rows(row)).required(permitted())
    assert bool(required.beside_services()) is seen


@pytest.mark.parametrize(
    ("exe", "desktop", "seen"),
    [
        ("/usr/bin/dbus-daemon", False, False),
        ("/usr/bin/pipewire", False, True),
        ("/usr/bin/pipewire", True, False),
        ("/home/x/pipewire", True, True),
    ],
)
def test_services_of_a_user(exe: str, desktop: bool, seen: bool) -> None:
    row = process_row(900, cgroup=f"{USER}/app.slice/x.service", exe=exe, name=exe.rpartition("/")[2])
    required = services("debian-12-hardened", with_rows(row)).required(permitted(desktop=desktop))
    assert bool(required.user_services()) is seen


@pytest.mark.parametrize(
    ("exe", "words", "program"),
    [
        ("/usr/sbin/vsftpd", "anything", "vsftpd"),
        ("/usr/bin/busybox", "busybox telnetd -F", "telnetd"),
        ("/usr/bin/python3.11", "python3 -m http.server 8000", "http.server"),
        ("/usr/bin/python3.11", "python3 /opt/x/server.py", "server.py"),
        ("/usr/bin/python3.11", "renamed", "python3.11"),
        ("/usr/bin/socat1", "socat TCP-LISTEN:23,", "socat1"),
    ],
)
def test_program_is_what_an_interpreter_runs(exe: str, words: str, program: str) -> None:
    assert running(process_row(900, exe=exe, words=words)).processes[900].program == program


def test_a_process_told_twice_is_no_answer() -> None:
    with pytest.raises(ParseError, match="900 is told twice"):
        running(process_row(900), process_row(900, uids="5,5,5"))


def test_addresses_of_other_namespaces_are_read_as_the_kernel_writes_them() -> None:
    rows = (
        "elsewhere\t7\ttcp\t0100007F:1F90\n",
        "elsewhere\t7\ttcp\t0302010A:0050\n",
        "elsewhere\t7\ttcp6\t00000000000000000000000000000000:0016\n",
        "elsewhere\t7\tudp6\t0000000000000000FFFF00000100007F:0035\n",
    )
    found = running(*rows).elsewhere
    assert [(each.protocol, each.address, each.port, each.is_local) for each in found] == [
        ("tcp", "127.0.0.1", 8080, True),
        ("tcp", "10.1.2.3", 80, False),
        ("tcp", "[::]", 22, False),
        ("udp", "127.0.0.1", 53, True),
    ]


def test_commands_of_units_are_read_with_their_prefixes() -> None:
    assert program_of("ExecStart=-!!/usr/sbin/chronyd -F 1") == "/usr/sbin/chronyd -F 1"
    assert program_of("ExecStart=") == ""
    assert [
        is_full_privilege(f"ExecStart={text}") for text in ("+/x", "-+/x", "!/x", "/x", "@/x", "/x +y")
    ] == [
        True,
        True,
        True,
        False,
        False,
        False,
    ]


def test_a_packaged_job_that_was_changed_is_the_host_s_own() -> None:
    whole = printed("debian-12-hardened")[INSTALLED]
    assert INSTALLED.parse(told(whole)).jobs == ()
    digest = "31da718265eaaa2fdabcfb2743bda171"
    changed = whole.replace(
        f"sum\t/etc/cron.daily/logrotate\t{digest}", f"sum\t/etc/cron.daily/logrotate\t{'0' * 32}"
    )
    assert [str(job) for job in INSTALLED.parse(told(changed)).jobs] == ["/etc/cron.daily/logrotate, as root"]


def test_files_of_a_removed_package_are_nobody_s() -> None:
    whole = printed("debian-12-hardened")[INSTALLED].replace(" logrotate ", " ")
    assert "/etc/cron.daily/logrotate" not in INSTALLED.parse(told(whole)).brought


def test_xinetd_s_entries_count_unless_disabled() -> None:
    rows = "".join(
        f"xinetd\t/etc/xinetd.d/x\t{n}\t{line}\n"
        for n, line in enumerate(
            "service tftp\n disable = yes\n server = /usr/sbin/in.tftpd\n}\n"
            "service odd {\n port = 2323\n user = nobody\n server = /bin/x\n}".splitlines(),
            1,
        )
    )
    whole = printed("debian-12-hardened")[INSTALLED].removesuffix("end\n") + rows + "end\n"
    assert [str(entry) for entry in INSTALLED.parse(told(whole)).inetd] == [
        "/etc/xinetd.d/x:5: 2323/tcp /bin/x as nobody"
    ]


def test_the_last_of_a_unit_s_files_says_as_whom_it_runs() -> None:
    rows = (
        "line\t/etc/systemd/system/ssh.service.d/a.conf\t2\tUser=games\n"
        "line\t/usr/lib/systemd/system/ssh.service\t9\tUser=sshd\n"
    )
    settings = UNIT_SETTINGS.parse(told(rows + "end\n"))
    host = services("debian-12-hardened")
    files = settings.files(host.required(permitted()).on_disk)
    assert [line.value for line in files.settings("ssh.service", "User")] == ["sshd", "games"]


def test_nothing_says_whether_a_declared_service_encrypts() -> None:
    host = services("debian-12-many-servers")
    quiet, says = service("vsftpd", ports=[21]), service("vsftpd", ports=[21], encrypted=True)
    assert cleartext(host, permitted("12", [quiet])).undeclared_encryption() == ["vsftpd tcp *:21"]
    assert cleartext(host, permitted("12", [says])).undeclared_encryption() == []
    plain = service("vsftpd", ports=[21], encrypted=False)
    assert cleartext(host, permitted("12", [plain])).declared_unencrypted() == ["vsftpd: tcp 21"]


def test_unencrypted_servers_are_seen_by_package_program_port_and_configuration() -> None:
    seen = cleartext(services("debian-12-many-servers"), permitted())
    assert "inetutils-telnetd (telnet)" in seen.installed(seen.servers.unencrypted)
    assert any("in.tftpd" in line for line in seen.running(seen.servers.unencrypted))
    assert "vsftpd.service (package vsftpd): ftp" in seen.at_boot(seen.servers.unencrypted)
    assert any(
        line.startswith("tcp *:993 by ") and line.endswith(": imap") for line in seen.at_forbidden_ports()
    )
    assert "tcp *:80 by nginx: /etc/nginx/sites-enabled/default:22: listen 80 default_server;" in (
        seen.unencrypted_servers()
    )


def test_redis_on_loopback_alone_will_serve_nobody_else() -> None:
    seen = cleartext(services("debian-12-many-servers"), permitted())
    assert not any("redis" in line for line in seen.unencrypted_at_boot())


def test_an_unreadable_probe_leaves_everything_unknown() -> None:
    host = services("debian-12-hardened", {RUNNING: "end\n"})
    with pytest.raises(Unknown, match=r"services\.running"):
        host.required(permitted())
