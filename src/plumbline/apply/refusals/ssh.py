"""Never change a host whose sshd, started anew as it is configured now, would not start or not let us in."""

from __future__ import annotations

from fnmatch import fnmatchcase
from ipaddress import ip_address, ip_network

from plumbline.apply.ground import RefusedError
from plumbline.apply.refusals.about import About
from plumbline.apply.refusals.standing import Standing


def refuse_broken_sshd(standing: Standing, about: About) -> None:
    """Refuse where `sshd -t` does: at its next start nobody would get in any more."""
    del about
    if standing.broken:
        raise RefusedError(
            f"its sshd does not take its own configuration: {'; '.join(standing.broken)}; "
            "at the next start nobody would get in",
            hint="correct it there until `sshd -t` says nothing",
        )


def refuse_shut_sshd(standing: Standing, about: About) -> None:
    """Refuse where the configuration on the disk, which a reload makes good, lets us in no more."""
    why = _why_not_let_in(standing, about)
    if why is not None:
        raise RefusedError(
            f"its sshd runs by an older configuration; by the one on its disk it would not let {about.login} "
            f"in: {why}",
            hint="correct that there (`sshd -T` shows what holds), or connect as a user whom it lets in",
        )


def _why_not_let_in(standing: Standing, about: About) -> str | None:
    """Return the setting that shuts our login out (sshd_config(5)), None if none does."""
    sshd, login, client = standing.sshd, about.login, about.ground.client
    if sshd.get("pubkeyauthentication") == ["no"]:
        return "PubkeyAuthentication no"
    root = (sshd.get("permitrootlogin") or ["yes"])[0]
    if login == "root" and root in ("no", "forced-commands-only"):
        return f"PermitRootLogin {root}"
    if any(_is_user(word, login, client) for word in sshd.get("denyusers", [])):
        return f"DenyUsers {' '.join(sshd['denyusers'])}"
    if "allowusers" in sshd and not any(_is_user(word, login, client) for word in sshd["allowusers"]):
        return f"AllowUsers {' '.join(sshd['allowusers'])}"
    groups = standing.groups
    if any(_matches(group, sshd.get("denygroups", [])) for group in groups):
        return f"DenyGroups {' '.join(sshd['denygroups'])}"
    if "allowgroups" in sshd and not any(_matches(group, sshd["allowgroups"]) for group in groups):
        told = ", ".join(groups) or "no group"
        return f"AllowGroups {' '.join(sshd['allowgroups'])}, and {login} is in {told}"
    return None


def _is_user(word: str, login: str, client: str) -> bool:
    """Whether a word of AllowUsers or DenyUsers, `USER` or `USER@HOST`, means our login."""
    user, at, place = word.rpartition("@") if "@" in word else (word, "", "")
    if not fnmatchcase(login, user):
        return False
    if not at or fnmatchcase(client, place):
        return True
    try:
        return ip_address(client) in ip_network(place, strict=False)
    except ValueError:
        return False


def _matches(name: str, patterns: list[str]) -> bool:
    """Whether a list of patterns means a name: one of it does, and none that begins with `!`."""
    if any(fnmatchcase(name, pattern[1:]) for pattern in patterns if pattern.startswith("!")):
        return False
    return any(fnmatchcase(name, pattern) for pattern in patterns if not pattern.startswith("!"))
