"""PAM's stacks run on paper: who gets in without a proof."""

from __future__ import annotations

from pathlib import Path

import pytest

from plumbline.probes.base import Output
from plumbline.probes.session import AUTHENTICATION
from plumbline.probes.session.authentication import OPENING
from plumbline.probes.session.pam import SUCCESS, opens_without_proof, run, stack

RECORDED = Path(__file__).parents[2] / "recorded" / "session"
DEBIAN = """
auth [success=1 default=ignore] pam_unix.so nullok
auth requisite pam_deny.so
auth required pam_permit.so
"""
DIRECTORY = "/etc/pam.d"


def opened(text: str, service: str = "login", **members: set[str]) -> tuple[list[str], list[str]]:
    files = {
        f"{DIRECTORY}/{service}": list(enumerate(text.strip().split("\n"), 1)),
        f"{DIRECTORY}/common-auth": list(enumerate(DEBIAN.strip().split("\n"), 1)),
    }
    entries = stack(files, DIRECTORY, service, "auth")
    found, strangers = opens_without_proof(
        service, entries, {name: frozenset(users) for name, users in members.items()}
    )
    return [entry.module for entry in found], [entry.module for entry in strangers]


CLOSED = {
    "debian": DEBIAN,
    "debian_included": "@include common-auth",
    "debian_as_a_substack": "auth substack common-auth",
    "debian_with_two_authenticators": (
        "auth [success=2 default=ignore] pam_unix.so\nauth [success=1 default=ignore] pam_sss.so\n"
        "auth requisite pam_deny.so\nauth required pam_permit.so\nauth optional pam_cap.so"
    ),
    "red_hat": (
        "auth required pam_env.so\nauth required pam_faildelay.so\nauth sufficient pam_unix.so nullok\n"
        "auth requisite pam_succeed_if.so uid >= 1000 quiet\nauth sufficient pam_sss.so\n"
        "auth required pam_deny.so"
    ),
    "faillock": (
        "auth required pam_faillock.so preauth\nauth [success=1 default=bad] pam_unix.so\n"
        "auth [default=die] pam_faillock.so authfail\nauth sufficient pam_faillock.so authsucc\n"
        "auth required pam_deny.so"
    ),
    "permit_after_a_required_refusal": "auth required pam_unix.so\nauth required pam_permit.so",
    "optional_only": "auth optional pam_unix.so",
    "nothing_at_all": "account required pam_permit.so",
    "wheel_without_trust": "auth sufficient pam_wheel.so\n@include common-auth",
    "group_without_members": "auth sufficient pam_succeed_if.so user ingroup kiosk\n@include common-auth",
    "required_condition_before": "auth required pam_succeed_if.so user != root\n@include common-auth",
    "stranger_before_the_rest": "auth required pam_strange.so\n@include common-auth",
}
OPEN = {
    "permit_alone": ("auth required pam_permit.so", ["pam_permit"]),
    "permit_first": ("auth sufficient pam_permit.so\n@include common-auth", ["pam_permit"]),
    "capitals": ("AUTH SUFFICIENT pam_permit.so\n@include common-auth", ["pam_permit"]),
    "by_its_path": (
        "auth sufficient /lib/x86_64-linux-gnu/security/pam_permit.so\n@include common-auth",
        ["pam_permit"],
    ),
    "in_two_lines": ("auth sufficient \\\n pam_permit.so\n@include common-auth", ["pam_permit"]),
    "after_a_tally": (
        "auth required pam_faillock.so preauth\nauth sufficient pam_unix.so",
        ["pam_faillock", "pam_unix"],
    ),
    "optional_then_permit": ("auth optional pam_unix.so\nauth required pam_permit.so", ["pam_permit"]),
    "jump_over_deny_for_all": (
        "auth [default=1] pam_unix.so\nauth requisite pam_deny.so\nauth required pam_permit.so",
        ["pam_permit"],
    ),
    "when_the_directory_is_away": (
        "auth [success=done authinfo_unavail=1 default=die] pam_sss.so\nauth requisite pam_deny.so\n"
        "auth required pam_permit.so",
        ["pam_permit"],
    ),
    "on_a_terminal": ("auth sufficient pam_securetty.so\n@include common-auth", ["pam_securetty"]),
    "by_an_address": ("auth sufficient pam_access.so\n@include common-auth", ["pam_access"]),
    "in_a_group_trusted": ("auth sufficient pam_wheel.so trust\n@include common-auth", ["pam_wheel"]),
    "unless_a_condition_holds": (
        "auth [success=1 default=ignore] pam_localuser.so\nauth sufficient pam_permit.so\n"
        "@include common-auth",
        ["pam_permit"],
    ),
}


@pytest.mark.parametrize("text", CLOSED.values(), ids=CLOSED)
def test_nobody_gets_in(text: str) -> None:
    assert opened(text) == ([], [])


@pytest.mark.parametrize(("text", "by"), OPEN.values(), ids=OPEN)
def test_somebody_gets_in(text: str, by: list[str]) -> None:
    assert opened(text)[0] == by


def test_a_group_with_a_member_gets_in() -> None:
    text = "auth sufficient pam_succeed_if.so user ingroup kiosk\n@include common-auth"
    assert opened(text, kiosk={"panel"})[0] == ["pam_succeed_if"]


@pytest.mark.parametrize(("service", "by"), [("su", []), ("sshd", ["pam_rootok"]), ("sudo", ["pam_rootok"])])
def test_rootok_asks_who_calls(service: str, by: list[str]) -> None:
    assert opened("auth sufficient pam_rootok.so\n@include common-auth", service)[0] == by


def test_a_module_nobody_knows_is_unknown() -> None:
    assert opened("auth sufficient pam_strange.so\n@include common-auth") == ([], ["pam_strange"])


def test_the_seventh_condition_is_not_overlooked() -> None:
    never = "auth [default=ignore] pam_succeed_if.so uid = 1\n" * 6
    text = f"{never}auth sufficient pam_succeed_if.so uid >= 0\n@include common-auth"
    assert opened(text) == ([], ["pam_succeed_if"])


def test_a_module_from_elsewhere_is_not_trusted_by_its_name() -> None:
    text = "auth sufficient /opt/x/pam_unix.so\n@include common-auth"
    assert opened(text) == ([], ["/opt/x/pam_unix.so"])


@pytest.mark.parametrize("service", ["cinnamon-screensaver", "mate-screensaver", "doas", "xfce4-screensaver"])
def test_screensavers_and_doas_open_sessions(service: str) -> None:
    assert service in OPENING.split()


@pytest.mark.parametrize(("service", "reached"), [("login", True), ("crond", False)])
def test_a_condition_on_the_service_leaves_others_alone(service: str, reached: bool) -> None:
    recorded = (RECORDED / "authentication-pam-1.5-openssh-9.2-delivered.txt").read_text()
    file = f"{DIRECTORY}/{service}"
    rows = [row for row in recorded.split("\n") if f"\t{file}\t" not in row and row != f"service\t{file}"]
    condition = "session [success=1 default=ignore] pam_succeed_if.so service in crond quiet use_uid"
    rows[-2:-2] = [
        f"service\t{file}",
        f"pam\t{file}\t1\t{condition}",
        f"pam\t{file}\t2\tsession optional pam_systemd.so",
    ]
    seen = AUTHENTICATION.parse(Output("\n".join(rows).encode(), b"", 0))
    assert seen.reaches_logind(service) is reached


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("@include missing", "does not exist"),
        ("@include login", "no end"),
        ("what is this", "no line of PAM"),
        ("auth sometimes pam_unix.so", "does not know"),
    ],
)
def test_what_is_not_understood_is_said(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        opened(text)


def test_debian_lets_nobody_in_and_reaches_logind() -> None:
    path = RECORDED / "authentication-pam-1.5-openssh-9.2-delivered.txt"
    seen = AUTHENTICATION.parse(Output(path.read_bytes(), b"", 0))
    assert {"login", "sshd", "su", "sudo"} <= set(seen.services) & set(OPENING.split())
    assert seen.ways_past({}) == []
    assert seen.reaches_logind("sshd")
    assert seen.reaches_logind("login")
    assert not seen.reaches_logind("sudo")


def test_a_jump_leaves_lines_out() -> None:
    files = {
        f"{DIRECTORY}/x": [(1, "session [default=1] pam_permit.so"), (2, "session optional pam_systemd.so")]
    }
    visited = run(stack(files, DIRECTORY, "x", "session"), lambda _: SUCCESS).visited
    assert [entry.module for entry in visited] == ["pam_permit"]
