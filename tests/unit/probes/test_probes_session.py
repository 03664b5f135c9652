"""What the probes of sessions print is understood rightly, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from plumbline.probes.base import Output, ParseError
from plumbline.probes.limit import NEVER
from plumbline.probes.session import ACCOUNTS, AUTHENTICATION, CONSOLE, DESKTOP, LOGIND, SHELLS
from plumbline.probes.session.accounts import touching
from plumbline.probes.session.display_manager import Setting, automatic_logins
from plumbline.probes.session.logind import assignments, effective_files
from plumbline.probes.session.timespan import microseconds
from plumbline.verify.unknown import Unknown

RECORDED = Path(__file__).parents[2] / "recorded" / "session"
PROBES = {
    "shells-bash-5.2-delivered.txt": SHELLS,
    "accounts-debian-12-delivered.txt": ACCOUNTS,
    "logind-systemd-252-delivered.txt": LOGIND,
    "authentication-pam-1.5-openssh-9.2-delivered.txt": AUTHENTICATION,
    "console-systemd-252-delivered.txt": CONSOLE,
    "desktop-gnome-43-defaults.txt": DESKTOP,
}


def printed(name: str) -> Output:
    return Output((RECORDED / name).read_bytes(), b"", 0)


def told(text: str) -> Output:
    return Output(text.encode(), b"", 0)


TIME_SPANS = [line.split("\t") for line in (RECORDED / "timespans-systemd-252.txt").read_text().splitlines()]


@pytest.mark.parametrize(("text", "expected"), TIME_SPANS)
def test_time_spans_are_read_as_systemd_reads_them(text: str, expected: str) -> None:
    if expected == "refused":
        with pytest.raises(ValueError, match="time span"):
            microseconds(text)
    else:
        assert microseconds(text) == int(expected)


def test_delivered_shells_never_end() -> None:
    shells = SHELLS.parse(printed("shells-bash-5.2-delivered.txt"))
    assert [int(shell.limit) for shell in shells.all] == [NEVER] * 4
    assert not any(shell.readonly for shell in shells.all)


def test_hardened_shells_end_and_zsh_too() -> None:
    shells = SHELLS.parse(printed("shells-bash-5.2-zsh-5.9-hardened.txt"))
    assert {shell.kind: (int(shell.limit), shell.readonly) for shell in shells.all} == {
        "bash, login": (600, True),
        "bash, login with TMOUT=0 in its environment": (600, True),
        "bash, started from a login shell": (600, False),
        "zsh, login": (600, True),
    }
    assert shells.root is None


@pytest.mark.parametrize(
    ("value", "seconds"), [("0", NEVER), ("-5", NEVER), ("ten", NEVER), ("60s", 60), ("$'6\\n0'", NEVER)]
)
def test_tmout_is_read_as_bash_reads_it(value: str, seconds: int) -> None:
    lines = (RECORDED / "shells-bash-5.2-hardened.txt").read_text().replace("600", value)
    assert int(SHELLS.parse(told(lines)).login.limit) == seconds


def test_a_profile_that_ends_the_shell_is_unknown() -> None:
    lines = (RECORDED / "shells-bash-5.2-hardened.txt").read_text().split("\n")
    with pytest.raises(ParseError, match="bash, login of root"):
        SHELLS.parse(told("\n".join(line for line in lines if "root" not in line)))


@pytest.mark.parametrize(("file", "probe"), PROBES.items(), ids=PROBES)
def test_truncated_output_is_never_a_value(file: str, probe: object) -> None:
    whole = (RECORDED / file).read_bytes()
    for end in range(0, len(whole) - 1, max(1, len(whole) // 60)):
        with pytest.raises((ParseError, ValueError, KeyError, IndexError)):
            probe.parse(Output(whole[:end], b"", 0))  # type: ignore[attr-defined]  # a probe of any type


@pytest.mark.parametrize(("file", "probe"), PROBES.items(), ids=PROBES)
def test_a_line_no_probe_prints_is_never_skipped(file: str, probe: object) -> None:
    text = (RECORDED / file).read_text()
    with pytest.raises(ParseError):
        probe.parse(told(f"what\tis this\n{text}"))  # type: ignore[attr-defined]  # a probe of any type


def test_delivered_logind_never_ends_a_session() -> None:
    logind = LOGIND.parse(printed("logind-systemd-252-delivered.txt"))
    assert (int(logind.now), int(logind.boot)) == (NEVER, NEVER)


def test_hardened_logind_tells_where() -> None:
    logind = LOGIND.parse(printed("logind-systemd-252-hardened.txt"))
    assert (int(logind.now), int(logind.boot)) == (600, 600)
    assert (
        str(logind.boot) == "/etc/systemd/logind.conf.d/zz-plumbline-session.conf:3: StopIdleSessionSec=600"
    )


def test_a_masked_logind_ends_nothing_at_boot() -> None:
    text = (RECORDED / "logind-systemd-252-hardened.txt").read_text().replace("=loaded", "=masked")
    assert int(LOGIND.parse(told(text)).boot) == NEVER


def test_a_fraction_of_a_second_is_no_zero() -> None:
    text = (RECORDED / "logind-systemd-252-hardened.txt").read_text().replace("t 600000000", "t 500000")
    assert int(LOGIND.parse(told(text)).now) == 1


def test_nearer_file_hides_and_run_is_gone_at_boot() -> None:
    assert effective_files(
        [
            "/etc/systemd/logind.conf",
            "/run/systemd/logind.conf.d/z.conf",
            "/etc/systemd/logind.conf.d/b.conf",
            "/usr/lib/systemd/logind.conf.d/b.conf",
            "/usr/lib/systemd/logind.conf.d/a.conf",
        ]
    ) == [
        "/etc/systemd/logind.conf",
        "/usr/lib/systemd/logind.conf.d/a.conf",
        "/etc/systemd/logind.conf.d/b.conf",
    ]


def test_careless_user_is_named_without_a_hash() -> None:
    accounts = ACCOUNTS.parse(printed("accounts-debian-12-careless-user.txt"))
    assert accounts.empty == ["plain (/etc/shadow)"]
    assert [str(line) for line in accounts.own_lines()] == ["/home/plain/.bashrc:114: unset TMOUT"]


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("unset TMOUT", NEVER),
        ("TMOUT=0", NEVER),
        ("TMOUT=", NEVER),
        ('export TMOUT="900', 900),
        ("readonly TMOUT='600'", 600),
        ("TMOUT=$((10 * 60", 600),
        ("TMOUT=$((10*60*60", NEVER),
        ("TMOUT=$((0*60", NEVER),
        ("TMOUT=$((MINUTES*60", NEVER),
        ('echo "TMOUT is $TMOUT', None),
        ("grep -q TMOUT", None),
        ("printf -v TMOUT", NEVER),
        ("env TMOUT=300", NEVER),
        ("env -u TMOUT", NEVER),
        ("export -n TMOUT", NEVER),
        ("typeset +r TMOUT", NEVER),
        ("read TMOUT", NEVER),
        ("declare -rx TMOUT=300", 300),
        ("readonly TMOUT", None),
        ("export TMOUT", None),
        ("echo $TMOUT", None),
        ('echo "${TMOUT', None),
    ],
)
def test_what_a_line_does_to_tmout(words: str, seconds: int | None) -> None:
    line = touching("/home/x/.bashrc", 1, words)
    assert (line.seconds if line else None) == seconds


PROFILE = "/etc/profile.d/50-limit.sh"


@pytest.mark.parametrize(
    ("rows", "lifting"),
    [
        (["/etc/profile\t1\treadonly TMOUT=0"], ["/etc/profile:1"]),
        (["/etc/profile\t1\tTMOUT=$OTHER", "/etc/profile\t2\treadonly TMOUT"], ["/etc/profile:1"]),
        (["/etc/environment\t1\tTMOUT=0"], ["/etc/environment:1"]),
        (["/etc/bash.bashrc\t9\tunset TMOUT", f"{PROFILE}\t1\treadonly TMOUT=600"], ["/etc/bash.bashrc:9"]),
        ([f"{PROFILE}\t1\tTMOUT=600", f"{PROFILE}\t2\tTMOUT=0"], [f"{PROFILE}:2"]),
        ([f"{PROFILE}\t1\tTMOUT=600", f"{PROFILE}\t2\treadonly TMOUT", f"{PROFILE}\t3\tTMOUT=0"], []),
        ([f"{PROFILE}\t1\tdeclare -rx TMOUT=300", "/etc/profile.d/60.sh\t1\tunset TMOUT"], []),
        (
            [f"{PROFILE}\t1\tdeclare -rx TMOUT=300", "/etc/profile.d/40.sh\t1\tTMOUT=0"],
            ["/etc/profile.d/40.sh:1"],
        ),
        ([f"{PROFILE}\t1\tdeclare -rx TMOUT=900"], [f"{PROFILE}:1"]),
        (["/home/x/.bashrc\t1\tTMOUT=0"], []),
    ],
)
def test_which_lines_of_the_system_lift_a_limit(rows: list[str], lifting: list[str]) -> None:
    recorded = (RECORDED / "accounts-debian-12-delivered.txt").read_text().split("\n")
    kept = [row for row in recorded if not row.startswith("line\t")]
    text = "\n".join([*(f"line\t{row}" for row in rows), *kept])
    found = ACCOUNTS.parse(told(text)).system_lines(range(1, 601))
    assert [f"{line.file}:{line.line}" for line in found] == lifting


def test_delivered_serial_console_is_open_whenever_one_is_there() -> None:
    console = CONSOLE.parse(printed("console-systemd-252-delivered.txt"))
    assert (len(console.now), len(console.boot)) == (0, 1)
    assert "serial-getty@.service.d/autologin.conf:3" in str(console.boot[0])
    assert console.boot[0].user == "root"
    assert console.display_manager == []


@pytest.mark.parametrize(
    ("program", "file", "lines", "found"),
    [
        ("gdm3", "/etc/gdm3/daemon.conf", ["[daemon]", "AutomaticLoginEnable = true"], True),
        ("gdm3", "/etc/gdm3/daemon.conf", ["[daemon]", "#AutomaticLoginEnable=true"], False),
        ("gdm3", "/etc/gdm3/daemon.conf", ["[security]", "AutomaticLoginEnable=true"], False),
        ("gdm3", "/etc/gdm3/daemon.conf", ["[daemon]", "TimedLoginEnable=1"], True),
        ("lightdm", "/etc/lightdm/lightdm.conf", ["[Seat:*]", "autologin-user=kiosk"], True),
        ("lightdm", "/etc/lightdm/lightdm.conf", ["[Seat:*]", "autologin-user="], False),
        ("sddm", "/etc/sddm.conf", ["[Autologin]", "User=kiosk"], True),
        ("sddm", "/etc/sddm.conf", ["[Users]", "User=kiosk"], False),
        ("greetd", "/etc/greetd/config.toml", ["[initial_session]", 'user = "kiosk"'], True),
        ("greetd", "/etc/greetd/config.toml", ["[default_session]", 'user = "_greetd"'], False),
        ("greetd", "/etc/greetd/config.toml", ["[default_session]", 'command = "agreety --cmd x"'], False),
        ("greetd", "/etc/greetd/config.toml", ["[default_session]", 'command = "sway"'], True),
        ("nodm", "/etc/default/nodm", ["NODM_ENABLED=true"], True),
        ("slim", "/etc/slim.conf", ["auto_login yes"], True),
        ("gdm3", "/etc/lightdm/lightdm.conf", ["[Seat:*]", "autologin-user=kiosk"], False),
    ],
)
def test_display_managers(program: str, file: str, lines: list[str], found: bool) -> None:
    settings = [Setting(file, number, text) for number, text in enumerate(lines, 1)]
    expected = [f"{file}:{len(lines)}: {lines[-1]}"] if found else []
    assert [str(login) for login in automatic_logins({program}, settings)] == expected


@pytest.mark.parametrize(
    ("program", "file", "lines", "user"),
    [
        (
            "gdm3",
            "/etc/gdm3/daemon.conf",
            ["[daemon]", "AutomaticLogin=view", "AutomaticLoginEnable=true"],
            "view",
        ),
        ("gdm3", "/etc/gdm3/daemon.conf", ["[daemon]", "AutomaticLoginEnable=true"], ""),
        ("lightdm", "/etc/lightdm/lightdm.conf", ["[Seat:*]", "autologin-user=view"], "view"),
        ("lightdm", "/etc/lightdm/lightdm.conf", ["[Seat:*]", "autologin-guest=true"], ""),
        ("nodm", "/etc/default/nodm", ["NODM_ENABLED=yes", "NODM_USER=view"], "view"),
        (
            "greetd",
            "/etc/greetd/config.toml",
            ["[default_session]", 'command = "cage app"', 'user = "view"'],
            "view",
        ),
    ],
)
def test_whom_a_display_manager_logs_in(program: str, file: str, lines: list[str], user: str) -> None:
    settings = [Setting(file, number, text) for number, text in enumerate(lines, 1)]
    assert [login.user for login in automatic_logins({program}, settings)] == [user]


def test_of_a_setting_given_twice_the_last_counts() -> None:
    first = Setting("/etc/lightdm/lightdm.conf.d/a.conf", 2, "autologin-user=kiosk")
    last = Setting("/etc/lightdm/lightdm.conf", 2, "autologin-user=")
    heads = [Setting(setting.file, 1, "[Seat:*]") for setting in (first, last)]
    assert automatic_logins({"lightdm"}, [heads[0], first, heads[1], last]) == []


def test_gnome_as_delivered_may_be_changed_by_users() -> None:
    desktop = DESKTOP.parse(printed("desktop-gnome-43-defaults.txt"))
    wanted = {"lock-enabled": "true", "lock-delay": "uint32 0", "disable-lock-screen": "false"}
    assert int(desktop.idle_limit) == 300
    assert [key.name for key in desktop.differing(wanted)] == list(wanted)


def test_gnome_locked() -> None:
    desktop = DESKTOP.parse(printed("desktop-gnome-43-locked.txt"))
    wanted = {"lock-enabled": "true", "lock-delay": "uint32 0", "disable-lock-screen": "false"}
    assert int(desktop.idle_limit) == 600
    assert desktop.differing(wanted) == []


def test_gnome_zero_never_locks_and_missing_is_unknown() -> None:
    text = (RECORDED / "desktop-gnome-43-locked.txt").read_text()
    assert int(DESKTOP.parse(told(text.replace("uint32 600", "uint32 0"))).idle_limit) == NEVER
    gone = "\n".join(line for line in text.split("\n") if "idle-delay" not in line)
    with pytest.raises(Unknown, match="idle-delay"):
        DESKTOP.parse(told(gone)).idle_limit.bit_length()


@pytest.mark.parametrize(("program", "told_as"), [("mate-session", "MATE"), ("Xorg", "X")])
def test_other_desktops_are_known_to_be_unknown(program: str, told_as: str) -> None:
    desktop = DESKTOP.parse(told(f"program\t{program}\nend\n"))
    assert desktop.installed
    assert desktop.others == [told_as]


def test_no_desktop() -> None:
    desktop = DESKTOP.parse(printed("desktop-debian-12-none.txt"))
    assert (desktop.installed, desktop.others, desktop.mounting_others) == (False, [], [])


def test_two_answers_of_one_shell_are_none() -> None:
    text = (RECORDED / "shells-bash-5.2-hardened.txt").read_text()
    with pytest.raises(ParseError, match="two answers"):
        SHELLS.parse(told(f"{text}\x1elogin\tr\t600\n"))


def test_a_byte_order_mark_is_skipped_as_systemd_skips_it() -> None:
    lines = [(1, "\ufeff[Login]"), (2, "StopIdleSessionSec=0")]
    assert assignments(lines) == [(2, "Login", "StopIdleSessionSec", "0")]
