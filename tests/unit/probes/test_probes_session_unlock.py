"""What opens a session: commands on a terminal, and SSH servers with what they were started with."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from plumbline.probes.base import Output
from plumbline.probes.limit import NEVER
from plumbline.probes.session import AUTHENTICATION
from plumbline.probes.session.login_program import logs_in_by_itself
from plumbline.probes.session.ssh_daemons import COLLECT_CONFIG
from plumbline.verify.unknown import Unknown

RECORDED = Path(__file__).parents[2] / "recorded" / "session"


def told(text: str) -> Output:
    return Output(text.encode(), b"", 0)


@pytest.mark.parametrize(
    ("command", "by_itself"),
    [
        ("-/bin/bash", True),
        ("-/bin/su - operator", True),
        ("-/bin/sh -c 'exec /bin/login -f root'", True),
        ('/bin/sh -c "exec agetty -a root console"', True),
        ("/bin/sh -c 'exec /sbin/agetty - $TERM'", False),
        ("/sbin/agetty -n -l /usr/local/sbin/login -", True),
        ("/usr/local/sbin/agetty tty1", True),
        ("/usr/bin/env TERM=linux /bin/bash", True),
        ("/opt/panel/show", True),
        ("-/sbin/agetty -o '-p -- \\\\u' --noclear - $TERM", False),
        ("systemctl --no-block start getty@tty2.service", False),
        ("-/lib/systemd/systemd-sulogin-shell rescue", False),
        ("/usr/lib/systemd/systemd-storagetm --all", False),
        ("/usr/local/lib/systemd/systemd-shell", True),
        ("/sbin/sulogin --force", True),
        ("/usr/bin/journalctl -f", False),
        ("/sbin/agetty --login-pause tty1", False),
        ("/usr/bin/nice -n 5 /sbin/agetty tty1", False),
    ],
)
def test_which_programs_may_have_a_terminal(command: str, by_itself: bool) -> None:
    assert logs_in_by_itself(command, on_terminal=True) is by_itself


@pytest.mark.parametrize(
    ("command", "by_itself"),
    [
        (r"-/sbin/agetty -o '-p -- \\u' --noclear - $TERM", False),
        (r"/sbin/agetty -o -p -- \u --keep-baud 115200,57600 - $TERM", False),
        ("/sbin/agetty --autologin root - $TERM", True),
        ("/sbin/agetty --autologin=root tty1", True),
        ("/sbin/agetty --auto root tty1", True),
        ("/sbin/agetty -a root tty1", True),
        ("/sbin/agetty -Jaroot tty1", True),
        ("/sbin/agetty -f /etc/alarm tty1", False),
        ("/sbin/agetty -n -l /bin/bash tty1", True),
        ("/sbin/agetty -l /bin/login tty1", False),
        ("/sbin/agetty --login-program=/bin/sh tty1", True),
        ('/sbin/agetty -n -o "-f root" tty1', True),
        ("/sbin/agetty --skip-login --login-options '-p -f root' tty1", True),
        ("/sbin/mingetty --autologin root tty1", True),
        ("/bin/login -f root", True),
        ("/bin/login -p -- root", False),
        ("/lib/systemd/systemd-logind", False),
        ("/usr/bin/nice -n 5 /sbin/agetty -a root tty9", True),
        ("/bin/sh -c 'while true; do agetty -a root tty9; done'", True),
        ("/bin/sh -c '(exec login -f root)'", True),
        ("/bin/sh -c 'exec /usr/bin/true'", False),
        ("", False),
    ],
)
def test_which_commands_open_a_session_by_themselves(command: str, by_itself: bool) -> None:
    assert logs_in_by_itself(command) is by_itself


def test_sshd_that_refuses_its_configuration_is_unknown() -> None:
    text = (RECORDED / "authentication-pam-1.5-openssh-9.2-delivered.txt").read_text()
    broken = text.replace("status\t0", "status\t255").replace("sshd\tusepam yes\n", "")
    with pytest.raises(Unknown, match="255"):
        AUTHENTICATION.parse(told(broken)).sshd_says("usepam")


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (None, NEVER),
        ("none", NEVER),
        ("session:shell=600", 600),
        ("session:shell=10m", 600),
        ("session:shell=1h30m", 5400),
        ("session:*=5M x11-connection=1", 300),
        ("session:command=60", NEVER),
        ("session:command=60 *=0", NEVER),
        ("session:sh?ll=60 session:shell=900", 60),
        ("session:subsystem:sftp=60 session:shell=900", 900),
    ],
)
def test_sshd_s_limit_of_shells(said: str | None, seconds: int) -> None:
    text = (RECORDED / "authentication-pam-1.5-openssh-9.2-delivered.txt").read_text()
    if said is not None:
        text = text.replace("sshd\tusepam", f"sshd\tchanneltimeout {said}\nsshd\tusepam")
    assert int(AUTHENTICATION.parse(told(text)).shell_limit) == seconds


def test_a_match_block_may_lift_sshd_s_limit() -> None:
    text = (RECORDED / "authentication-pam-1.5-openssh-9.2-delivered.txt").read_text()
    text = text.replace("sshd\tusepam", "sshd\tchanneltimeout session:shell=600\nsshd\tusepam")
    line = "match\t/etc/ssh/sshd_config\t130\t  ChannelTimeout none\nend\n"
    limit = AUTHENTICATION.parse(told(text.removesuffix("end\n") + line)).shell_limit
    assert (int(limit), str(limit)) == (NEVER, "/etc/ssh/sshd_config:130: ChannelTimeout none")


@pytest.mark.parametrize(("value", "seconds"), [("session:*=5m # a line's end", 600), ('"*=900"', 900)])
def test_a_match_block_has_a_limit_of_its_own(value: str, seconds: int) -> None:
    text = (RECORDED / "authentication-pam-1.5-openssh-9.2-delivered.txt").read_text()
    text = text.replace("sshd\tusepam", "sshd\tchanneltimeout session:shell=600\nsshd\tusepam")
    line = f"match\t/etc/ssh/sshd_config\t130\t  ChannelTimeout {value}\nend\n"
    assert int(AUTHENTICATION.parse(told(text.removesuffix("end\n") + line)).shell_limit) == seconds


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_what_a_match_block_takes_in_holds_for_some_only(tmp_path: Path, shell: str) -> None:
    (tmp_path / "sshd_config").write_text(
        'include = "all.d/*.conf" # Include none\nUsePAM yes\nMATCH User plain\n\tInclude some/a  some/b\n'
    )
    for name, content in {
        "all.d/1.conf": "Match User x\n",
        "all.d/2.conf": "UsePAM yes\n",
        "some/a": f"Include {tmp_path}/deep\r\n",
        "some/b": "Banner no\n",
        "deep": "PermitEmptyPasswords yes\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    collect = COLLECT_CONFIG.replace("/etc/ssh", str(tmp_path))
    asking = [shell, "-c", f'{collect}\nprintf \'%s\\n\' "$@" "in $in_match"']
    *files, inside = subprocess.run(asking, capture_output=True, check=True, text=True).stdout.splitlines()
    assert {Path(file).name for file in files} == {"sshd_config", "1.conf", "2.conf", "a", "b", "deep"}
    assert {Path(file).name for file in inside.split()} == {"in", "a", "b", "deep"}


AUTHENTICATED = (RECORDED / "authentication-pam-1.5-openssh-9.2-delivered.txt").read_text()


@pytest.mark.parametrize(
    ("row", "lifted"),
    [
        ("running\tsshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups", False),
        (
            "running\tsshd: /usr/sbin/sshd -D -o PermitEmptyPasswords=yes [listener] 0 of 10-100 startups",
            True,
        ),
        ("running\tsshd: plain [priv] -o PermitEmptyPasswords=yes", False),
        ("running\t/usr/sbin/sshd -D -oPermitEmptyPasswords=yes ", True),
        ('started\t/etc/default/ssh\t5\tSSHD_OPTS="-o PermitEmptyPasswords=yes"', True),
        ("started\t/etc/default/ssh\t5\tSSHD_OPTS='-4o \"permitemptypasswords yes\"'", True),
        ("started\t/etc/default/ssh\t5\tSSHD_OPTS=-oPermitEmptyPasswords=no", False),
        ("started\t/etc/default/ssh\t5\tSSHD_OPTS=", False),
        ("started\t/etc/systemd/system/copy.service\t2\tExecStart=/usr/bin/copy -f /var/sshd-keys /x", False),
    ],
)
def test_options_of_the_command_line_go_before_the_file(row: str, lifted: bool) -> None:
    seen = AUTHENTICATION.parse(told(f"{row}\n{AUTHENTICATED}"))
    seen.all_judged()
    assert bool(seen.other_than("permitemptypasswords", "no")) is lifted


@pytest.mark.parametrize(
    "row",
    [
        "running\tsshd: /usr/sbin/sshd -f /etc/ssh/sshd2 [listener] 0 of 10-100 startups",
        "running\t/usr/sbin/dropbear -F ",
        "started\t/etc/systemd/system/ssh2.service\t3\tExecStart=/usr/sbin/sshd -Df/etc/ssh/sshd2",
        'started\t/etc/systemd/system/ssh.service.d/a.conf\t2\tEnvironment="SSHD_OPTS=-f /etc/ssh/sshd2"',
    ],
)
def test_a_server_with_settings_of_its_own_is_unknown(row: str) -> None:
    with pytest.raises(Unknown, match="not judged"):
        AUTHENTICATION.parse(told(f"{row}\n{AUTHENTICATED}")).all_judged()
