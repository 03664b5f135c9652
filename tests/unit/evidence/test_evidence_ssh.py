"""Evidence over a real SSH server; whatever goes wrong is one sentence that names the host."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ssh_server import SshServer, free_port, make_key, public

from plumbline.errors import NOT_REACHED, NotReachedError
from plumbline.evidence import login, route, ssh
from plumbline.evidence.bundle import Evidence
from plumbline.evidence.collector import script
from plumbline.evidence.gather import gather
from plumbline.evidence.ssh import SshTarget, collect
from plumbline.probes.base import Probe, text

HELLO = Probe("sample.hello", "printf 'hello\\000'; readlink /proc/$PPID/exe", text)
SCRIPT = script([HELLO])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    with SshServer(tmp_path_factory.mktemp("sshd")).running() as running:
        yield running


@pytest.fixture(autouse=True)
def _home_of_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the keys, the agent and the known hosts of whoever runs the tests out of them."""
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


def refused(target: SshTarget, sent: str = SCRIPT, deadline: float = 30) -> str:
    with pytest.raises(NotReachedError) as caught:
        collect(target, sent, deadline)
    told = str(caught.value)
    assert caught.value.exit_code == NOT_REACHED
    assert told.startswith(f"{target}: ")
    assert caught.value.message.count("\n") == 0
    return told


def test_evidence_comes_as_the_host_printed_it(server: SshServer) -> None:
    evidence = Evidence.parse(collect(server.target(), SCRIPT))
    assert evidence.output(HELLO).stdout.startswith(b"hello\0/")
    assert evidence.hostname == socket.gethostname()


def test_script_is_on_no_command_line(server: SshServer) -> None:
    seen = Probe("sample.seen", "cat /proc/[0-9]*/cmdline", text, exits=frozenset({0, 1}))
    evidence = Evidence.parse(collect(server.target(), script([seen])))
    assert b"plumbline_evidence" not in evidence.output(seen).stdout


def test_greeting_of_a_login_shell_is_left_out(server: SshServer) -> None:
    raw = collect(server.target(), f"echo 'Welcome to {{heating-1}}'\n{SCRIPT}")
    assert raw.startswith(b'{"plumbline_evidence":1')
    Evidence.parse(raw)


def test_name_that_is_not_known(server: SshServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert "the name heating-1.plant.test is not known" in refused(
        server.target(address="heating-1.plant.test")
    )


def test_address_that_is_none(server: SshServer) -> None:
    assert "there is no way to bad..name" in refused(server.target(address="bad..name"))


def test_nothing_listens(server: SshServer) -> None:
    target = server.target(port=free_port())
    assert f"it refuses connections at port {target.port}" in refused(target)


def test_host_that_drops_what_it_gets(server: SshServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh, "CONNECT_SECONDS", 0.3)
    with socket.socket() as full, socket.socket() as filling:
        full.bind(("127.0.0.1", 0))
        full.listen(0)  # room for one, who is never let in
        filling.connect(full.getsockname())
        assert "did not answer at port" in refused(server.target(port=full.getsockname()[1]))


def test_no_route(server: SshServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(socket, "create_connection", unreachable)
    assert "there is no way to 127.0.0.1: Network is unreachable" in refused(server.target())


Answer = Callable[[socket.socket], object]


@pytest.fixture
def listener() -> Iterator[Callable[[Answer], int]]:
    """Listen, and answer the first who connects in some way."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve(answer: Answer) -> int:
            def once() -> None:
                link, _ = listening.accept()
                with link:
                    answer(link)

            threading.Thread(target=once, daemon=True).start()
            port: int = listening.getsockname()[1]
            return port

        yield serve


def test_other_service_listens(server: SshServer, listener: Callable[[Answer], int]) -> None:
    port = listener(lambda link: link.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n"))
    assert f"something listens at port {port}, but it does not greet as SSH" in refused(
        server.target(port=port)
    )


def test_silent_listener(
    server: SshServer, listener: Callable[[Answer], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login, "GREETING_SECONDS", 0.3)
    port = listener(lambda link: link.recv(1 << 16) and link.recv(1 << 16))
    assert "does not greet as SSH" in refused(server.target(port=port))


def test_silent_after_the_greeting(
    server: SshServer, listener: Callable[[Answer], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login, "GREETING_SECONDS", 0.3)

    def greet(link: socket.socket) -> None:
        link.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
        while link.recv(1 << 16):
            pass

    assert "broke off while agreeing on encryption" in refused(server.target(port=listener(greet)))


def test_old_protocol(server: SshServer, listener: Callable[[Answer], int]) -> None:
    port = listener(lambda link: link.sendall(b"SSH-1.5-1.2.27\r\n"))
    assert "it offers no encryption that can be relied on" in refused(server.target(port=port))


def test_only_broken_encryption(tmp_path: Path) -> None:
    with SshServer(tmp_path, Ciphers="aes256-cbc").running() as old:
        assert "it offers no encryption that can be relied on" in refused(old.target())


def test_unknown_host_key(server: SshServer, tmp_path: Path) -> None:
    empty = tmp_path / "known_hosts"
    empty.touch()
    told = refused(server.target(known_hosts=empty))
    listed = subprocess.run(
        ["ssh-keygen", "-lf", server.host_key], check=True, capture_output=True, text=True
    ).stdout
    assert "its host key is not known: ssh-ed25519" in told
    assert listed.split()[1] in told
    assert f"ssh-keyscan -H -p {server.port} 127.0.0.1 >> {empty}" in told


def test_no_known_hosts_at_all(server: SshServer, tmp_path: Path) -> None:
    assert "its host key is not known" in refused(server.target(known_hosts=tmp_path / "none"))


def test_changed_host_key(server: SshServer, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    other = make_key(tmp_path / "other")
    known.write_text(f"# plant\n[127.0.0.1]:{server.port} {public(other)}")
    told = refused(server.target(known_hosts=known))
    assert "its host key has changed: it shows ssh-ed25519 SHA256:" in told
    assert f"{known} holds another in line 2" in told


def test_host_key_of_another_kind_than_the_known_is_changed(server: SshServer, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    other = make_key(tmp_path / "other", "-t", "ecdsa")
    known.write_text(f"[127.0.0.1]:{server.port} {public(other)}")
    assert "its host key has changed" in refused(server.target(known_hosts=known))


def test_revoked_host_key(server: SshServer, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    known.write_text(server.known_hosts.read_text() + f"@revoked * {public(server.host_key)}")
    assert "was revoked in" in refused(server.target(known_hosts=known))


def test_known_by_its_name(server: SshServer, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    known.write_text(f"[heating-1]:{server.port} {public(server.host_key)}")
    Evidence.parse(collect(server.target(known_hosts=known), SCRIPT))


def test_known_hosts_of_the_person_are_believed(server: SshServer) -> None:
    (Path.home() / ".ssh/known_hosts").write_text(server.known_hosts.read_text())
    Evidence.parse(collect(server.target(known_hosts=None), SCRIPT))


def test_known_hosts_that_cannot_be_read(server: SshServer, tmp_path: Path) -> None:
    assert "the known hosts cannot be read: Is a directory" in refused(server.target(known_hosts=tmp_path))


def test_rsa_host_key_alone_is_met(tmp_path: Path) -> None:
    server = SshServer(tmp_path)
    server.host_key.unlink()
    make_key(server.host_key, "-t", "rsa", "-b", "3072")
    server.known_hosts.write_text(f"[127.0.0.1]:{server.port} {public(server.host_key)}")
    with server.running():
        Evidence.parse(collect(server.target(), SCRIPT))


@pytest.mark.parametrize("kind", ["rsa", "ecdsa", "ed25519"])
def test_every_kind_of_key_logs_in(server: SshServer, tmp_path: Path, kind: str) -> None:
    key = make_key(tmp_path / "key", "-t", kind)
    with server.authorized_keys.open("a") as keys:
        keys.write(public(key))
    Evidence.parse(collect(server.target(identity_file=key), SCRIPT))


def test_key_that_is_not_accepted(server: SshServer, tmp_path: Path) -> None:
    key = make_key(tmp_path / "stranger")
    assert f"it does not accept the key {key} for" in refused(server.target(identity_file=key))


def test_user_that_does_not_exist(server: SshServer) -> None:
    assert "for nobody-here" in refused(server.target(user="nobody-here"))


def test_key_that_is_not_there(server: SshServer, tmp_path: Path) -> None:
    key = tmp_path / "missing"
    assert f"the key {key} cannot be read: No such file or directory" in refused(
        server.target(identity_file=key)
    )


def test_key_that_is_none(server: SshServer, tmp_path: Path) -> None:
    key = tmp_path / "notes"
    key.write_text("not a key\n")
    assert f"the key {key} is no private SSH key" in refused(server.target(identity_file=key))
    assert "is no private SSH key" in refused(
        server.target(identity_file=server.key.with_name("id_ed25519.pub"))
    )


@pytest.mark.parametrize("form", [(), ("-m", "PEM", "-t", "rsa")])
def test_encrypted_key(server: SshServer, tmp_path: Path, form: tuple[str, ...]) -> None:
    key = make_key(tmp_path / "locked", "-N", "long enough", *form)
    told = refused(server.target(identity_file=key))
    assert f"the key {key} is encrypted" in told
    assert f"ssh-add {key}" in told


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    path = tmp_path / "agent"
    process = subprocess.Popen(
        ["ssh-agent", "-D", "-a", path], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    assert process.stdout is not None
    process.stdout.readline()  # it says where it listens once it does
    monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
    yield
    process.terminate()
    process.communicate()


def add_to_agent(key: Path, passphrase: str, tmp_path: Path) -> None:
    ask = tmp_path / "ask"
    ask.write_text(f"#!/bin/sh\necho '{passphrase}'\n")
    ask.chmod(0o700)
    environment = os.environ | {"SSH_ASKPASS": str(ask), "SSH_ASKPASS_REQUIRE": "force"}
    subprocess.run(["ssh-add", "-q", key], check=True, env=environment, stdin=subprocess.DEVNULL)


@pytest.mark.usefixtures("agent")
def test_encrypted_key_in_the_agent(server: SshServer, tmp_path: Path) -> None:
    key = make_key(tmp_path / "locked", "-N", "long enough")
    with server.authorized_keys.open("a") as keys:
        keys.write(public(key))
    add_to_agent(make_key(tmp_path / "unrelated"), "", tmp_path)
    add_to_agent(key, "long enough", tmp_path)
    Evidence.parse(collect(server.target(identity_file=key), SCRIPT))


@pytest.mark.usefixtures("agent")
def test_keys_of_the_agent_are_tried(server: SshServer, tmp_path: Path) -> None:
    add_to_agent(make_key(tmp_path / "unrelated"), "", tmp_path)
    add_to_agent(server.key, "", tmp_path)
    Evidence.parse(collect(server.target(identity_file=None), SCRIPT))


@pytest.mark.usefixtures("agent")
def test_too_many_keys_of_the_agent(server: SshServer, tmp_path: Path) -> None:
    for number in range(8):
        add_to_agent(make_key(tmp_path / f"unrelated{number}"), "", tmp_path)
    assert "it does not accept any of the 5 keys offered" in refused(server.target(identity_file=None))


def test_default_key_is_used(server: SshServer) -> None:
    default = Path.home() / ".ssh/id_ed25519"
    default.write_bytes(server.key.read_bytes())
    default.chmod(0o600)
    make_key(Path.home() / ".ssh/id_rsa", "-t", "rsa", "-N", "locked away")
    Evidence.parse(collect(server.target(identity_file=None), SCRIPT))


def test_no_key_at_all(server: SshServer) -> None:
    assert "there is no key to log in with" in refused(server.target(identity_file=None))


def test_passwords_only(tmp_path: Path) -> None:
    options = {"PubkeyAuthentication": "no", "PasswordAuthentication": "yes"}
    with SshServer(tmp_path, **options).running() as server:
        assert "by password only, not by a key" in refused(server.target())


def test_host_that_hangs_is_left_at_the_deadline(server: SshServer) -> None:
    told = refused(server.target(), "echo before; sleep 30", deadline=1.5)
    assert "it did not finish within " in told
    assert "hangs" in told


def test_connection_lost_in_the_middle(server: SshServer) -> None:
    told = refused(server.target(), "echo '{\"plumbline_evidence\":1,'; sleep 0.2; kill -9 $PPID")
    assert "the connection was lost before the evidence was complete" in told


def test_host_without_a_shell(tmp_path: Path) -> None:
    with SshServer(tmp_path, ForceCommand="/nonexistent/sh").running() as server:
        assert "it has no /bin/sh to run the collector with" in refused(server.target())


def test_account_that_may_not_log_in(tmp_path: Path) -> None:
    with SshServer(tmp_path, ForceCommand="/usr/sbin/nologin").running() as server:
        told = refused(server.target())
    assert "it printed no evidence (exit status 1): This account is currently not available." in told


def test_sftp_only(tmp_path: Path) -> None:
    with SshServer(tmp_path, ForceCommand="internal-sftp").running() as server:
        assert "it printed no evidence" in refused(server.target())


def test_endless_output_is_not_read_to_its_end(server: SshServer) -> None:
    assert "it printed more than 2 MiB" in refused(server.target(), "yes")


def test_missing_program_is_told(server: SshServer) -> None:
    told = refused(server.target(), SCRIPT.replace("find_tool base64", "find_tool no-such-tool"))
    assert "this host has no program no-such-tool, which collecting needs" in told


def test_terminal_codes_of_a_host_are_not_passed_on(server: SshServer) -> None:
    told = refused(server.target(), "printf '\\033[2Jboom' >&2; exit 1")
    assert "\\x1b[2Jboom" in told


def with_path(tmp_path: Path, **programs: str) -> SshServer:
    """Return a server whose sessions find nothing but env and these shell scripts."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "env").symlink_to("/usr/bin/env")
    for name, body in programs.items():
        (tools / name).write_text(f"#!/bin/sh\n{body}\n")
        (tools / name).chmod(0o755)
    return SshServer(tmp_path, SetEnv=f"PATH={tools}")


def test_no_sudo(tmp_path: Path) -> None:
    with with_path(tmp_path).running() as server:
        assert "it has no sudo" in refused(server.target(sudo=True))


RECORDED = Path(__file__).parents[2] / "recorded/sudo"
SUDO_SAYS = {
    "a-password-is-required.1.9.13p3.txt": "sudo does not run the collector for",
    "not-allowed-to-execute.1.9.13p3.txt": "sudo does not let",
    "requiretty.1.9.13p3.txt": "sudo wants a terminal of",
}


@pytest.mark.parametrize("recorded", SUDO_SAYS)
def test_what_sudo_says(tmp_path: Path, recorded: str) -> None:
    sudo = f"while read -r line; do printf '%s\\n' \"$line\" >&2; done <{RECORDED / recorded}; exit 1"
    with with_path(tmp_path, sudo=sudo).running() as server:
        told = refused(server.target(sudo=True))
    assert SUDO_SAYS[recorded] in told
    assert "without a password, for as long as evidence is collected" in told


def test_sudo_that_is_broken_otherwise(tmp_path: Path) -> None:
    broken = "echo 'sudo: /etc/sudo.conf is owned by uid 1000, should be 0' >&2; exit 1"
    with with_path(tmp_path, sudo=broken).running() as server:
        told = refused(server.target(sudo=True))
    assert "sudo does not run the collector: sudo: /etc/sudo.conf is owned by uid 1000, should be 0" in told


def test_through_sudo(tmp_path: Path) -> None:
    sudo = 'test "$LC_ALL $1 $2" = "C -n --" || exit 1; shift 2; PATH=/usr/bin:/bin exec "$@"'
    with with_path(tmp_path, sudo=sudo).running() as server:
        Evidence.parse(collect(server.target(sudo=True), SCRIPT))


def test_proxy_jump_of_the_person_is_taken(server: SshServer) -> None:
    (Path.home() / ".ssh/config").write_text(
        f"Host heating-*\n  ProxyJump jump\nHost jump\n  HostName 127.0.0.1\n  Port {server.port}\n"
        f"  IdentityFile {server.key}\n  UserKnownHostsFile {server.known_hosts}\n"
    )
    Evidence.parse(collect(server.target(), SCRIPT))


def test_proxy_command_of_the_person_is_taken(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Host 10.1.2.*\n  ProxyCommand relay '%%x' %h %p %r\n")
    assert route.proxy_command(config, "10.1.2.3", "heating-1", 2222, "ops") == [
        "/bin/sh",
        "-c",
        "exec relay '%x' 10.1.2.3 2222 ops",
    ]
    assert route.proxy_command(config, "10.9.9.9", "heating-1", 22, "ops") == []


def test_proxy_that_fails(server: SshServer) -> None:
    (Path.home() / ".ssh/config").write_text("Host *\n  ProxyCommand false\n")
    assert "does not greet as SSH" in refused(server.target())


def test_config_that_is_not_understood(server: SshServer) -> None:
    (Path.home() / ".ssh/config").write_text("Nonsense yes\n")
    told = refused(server.target())
    assert "ssh does not understand" in told


def test_bad_hosts_do_not_touch_good_ones(server: SshServer) -> None:
    targets = [
        server.target(name="good-1"),
        server.target(name="refusing", port=free_port()),
        server.target(name="good-2"),
        server.target(name="stranger", user="nobody-here"),
    ]
    done: list[str] = []
    gathered = gather(targets, SCRIPT, told=lambda one: done.append(one.target.name))
    assert [one.target.name for one in gathered] == ["good-1", "refusing", "good-2", "stranger"]
    assert [one.evidence is not None for one in gathered] == [True, False, True, False]
    assert [one.problem is None for one in gathered] == [True, False, True, False]
    assert sorted(done) == ["good-1", "good-2", "refusing", "stranger"]
    assert all(one.seconds > 0 for one in gathered)


def test_evidence_that_came_damaged_is_told(server: SshServer) -> None:
    changed = SCRIPT.replace("'%s\\n\"digest", "'%s \\n\"digest")
    assert changed != SCRIPT
    (gathered,) = gather([server.target()], changed)
    assert "the evidence came damaged: it was changed after it was collected" in str(gathered.problem)


def test_fault_of_ours_with_one_host_is_told_and_kept_to_it(
    server: SshServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = collect

    def faulty(target: SshTarget, *rest: object) -> bytes:
        if target.name == "odd":
            raise ZeroDivisionError("division by zero")
        return real(target, *rest)  # type: ignore[arg-type]  # passed on as they are

    monkeypatch.setattr("plumbline.evidence.gather.collect", faulty)
    odd, good = gather([server.target(name="odd"), server.target(name="good")], SCRIPT)
    assert "ZeroDivisionError: division by zero" in str(odd.problem)
    assert good.evidence is not None


def test_many_hosts_at_once(server: SshServer) -> None:
    targets = [server.target(name=f"heating-{number}") for number in range(8)]
    gathered = gather(targets, SCRIPT, at_once=4)
    assert [str(one.problem) for one in gathered if one.problem] == []
    assert [one.target.name for one in gathered if one.evidence] == [one.name for one in targets]


def test_no_host_is_no_trouble() -> None:
    assert gather([], SCRIPT) == []
