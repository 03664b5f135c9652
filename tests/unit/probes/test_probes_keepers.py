"""What keeps sessions open besides shells is understood rightly: multiplexers, xrdp, automatic logins."""

from __future__ import annotations

import pytest

from plumbline.probes.base import Output, ParseError
from plumbline.probes.limit import NEVER
from plumbline.probes.session import KEEPERS
from plumbline.probes.session.login_program import logs_in_by_itself, user_of


def told(text: str) -> Output:
    return Output(f"{text}end\n".encode(), b"", 0)


AFTER = "line\t/etc/tmux.conf\t1\tlock-after-time 300\n"
COMMAND = "line\t/etc/tmux.conf\t2\tlock-command vlock\n"


@pytest.mark.parametrize(
    ("rows", "seconds"),
    [
        ("program\ttmux\n", NEVER),
        (f"program\ttmux\n{AFTER}", NEVER),
        (f"program\ttmux\n{AFTER}{COMMAND}", 300),
        (f"program\ttmux\n{AFTER}{COMMAND.replace('vlock', 'cat')}", NEVER),
        (f"program\ttmux\n{AFTER.replace('300', '0')}{COMMAND}", NEVER),
        (f"program\ttmux\n{AFTER}{COMMAND}line\t/root/.tmux.conf\t1\tlock-after-time 200\n", 300),
        (f"program\ttmux\n{AFTER}{COMMAND}line\t/root/.tmux.conf\t1\tlock-after-time 900\n", NEVER),
        (f"program\ttmux\n{AFTER}{COMMAND}line\t/root/.tmux.conf\t1\tlock-command true\n", NEVER),
        ("program\tscreen\nline\t/etc/screenrc\t9\tidle 600 lockscreen\n", 600),
        ("program\tscreen\nline\t/etc/screenrc\t9\tidle 600 blanker\n", NEVER),
        (f"program\tscreen\nprogram\ttmux\n{AFTER}{COMMAND}", NEVER),
        ("program\tzellij\n", NEVER),
    ],
)
def test_multiplexers_lock(rows: str, seconds: int) -> None:
    assert int(KEEPERS.parse(told(rows)).own_limit()) == seconds


@pytest.mark.parametrize(
    ("rows", "seconds"),
    [
        ("program\txorgxrdp\nxrdp\t/etc/xrdp/sesman.ini\t69\tIdleTimeLimit=0\n", NEVER),
        ("program\txorgxrdp\nxrdp\t/etc/xrdp/sesman.ini\t69\tIdleTimeLimit = 600\n", 600),
        ("xrdp\t/etc/xrdp/sesman.ini\t69\tIdleTimeLimit=600\n", NEVER),
        ("program\txorgxrdp\n", NEVER),
    ],
)
def test_xrdp_ends(rows: str, seconds: int) -> None:
    assert int(KEEPERS.parse(told(f"program\txrdp-sesman\n{rows}")).xrdp_limit()) == seconds


@pytest.mark.parametrize(
    "text", ["", "program\ttmux\n", "line\t/etc/tmux.conf\t1\tnothing\nend\n", "x\nend\n"]
)
def test_what_is_cut_or_strange_is_not_understood(text: str) -> None:
    with pytest.raises(ParseError):
        KEEPERS.parse(Output(text.encode(), b"", 0))


@pytest.mark.parametrize(
    ("command", "owner", "user"),
    [
        ("/sbin/agetty --autologin view --noclear - $TERM", "", "view"),
        ("/sbin/agetty --autologin=view -", "", "view"),
        ("-/sbin/agetty -a view tty9", "", "view"),
        ("/sbin/agetty -aview tty9", "", "view"),
        ('/sbin/agetty -n -o "-f view" tty1', "", "view"),
        ("/bin/login -f view", "", "view"),
        ("/bin/su - view", "", "view"),
        ("/bin/su --login view -c app", "", "view"),
        ("/usr/bin/startx /opt/app", "view", "view"),
        ("/bin/bash -i", "", "root"),
        ("/sbin/agetty -a root tty9", "view", "root"),
        ("/bin/sh -c 'su - view || login -f root'", "", ""),
    ],
)
def test_whom_a_command_logs_in(command: str, owner: str, user: str) -> None:
    assert user_of(command, owner) == user


@pytest.mark.parametrize(
    ("command", "opens"),
    [
        ("/usr/bin/cage -- /opt/view", True),
        ("/usr/bin/startx", True),
        ("/usr/bin/xinit /opt/view -- :0 vt1", True),
        ("/bin/sh -c 'exec startx'", True),
        ("/usr/sbin/gdm3", False),
        ("/usr/bin/swayidle", False),
    ],
)
def test_service_that_opens_a_graphical_session(command: str, opens: bool) -> None:
    assert logs_in_by_itself(command) is opens
