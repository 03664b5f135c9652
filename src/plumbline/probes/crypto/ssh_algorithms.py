"""Which algorithms of SSH hold where: what servers offer now and after a boot, and what clients propose."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator

from plumbline.probes.crypto.ssh_keys import Key
from plumbline.probes.crypto.ssh_server import Config, SshServer
from plumbline.probes.crypto.ssh_users import SshUsers
from plumbline.verify.seen import Seen
from plumbline.verify.unknown import Unknown

KINDS = {
    "ciphers": ("ciphers",),
    "macs": ("macs",),
    "key_exchange": ("kexalgorithms",),
    "signatures": ("hostkeyalgorithms", "pubkeyacceptedalgorithms"),
}
"""What is judged together -> the options that list it (sshd_config(5), ssh_config(5))."""

_OF_LINES = {option: kind for kind, options in KINDS.items() for option in options} | {
    "gssapikexalgorithms": "key_exchange",
    "pubkeyacceptedkeytypes": "signatures",
    "hostbasedacceptedalgorithms": "signatures",
    "hostbasedacceptedkeytypes": "signatures",
    "casignaturealgorithms": "signatures",
}

_HOST_KEY_ALGORITHMS = {
    "RSA": ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"),
    "DSA": ("ssh-dss",),
    "ED25519": ("ssh-ed25519",),
    "ECDSA": ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
}


def is_accepted(name: str, accepted: Iterable[Container[object]]) -> bool:
    """Say whether a name is in one of the lists; messages that are no algorithm always are.

    `gss-…-` stands for all mechanisms, of which each adds a suffix of its own (RFC 4462, 2.1).
    """
    if name.startswith(("ext-info-", "kex-strict-")):
        return True
    if name.startswith("gss-"):
        name = f"{name.rsplit('-', 1)[0]}-"
    return any(name in names for names in accepted)


def offered_now(seen: SshServer, kind: str) -> Iterator[Seen]:
    """Yield what listening servers proposed; of signatures those of their host keys.

    `Unknown` if one of them did not say.
    """
    for at, process in seen.listening.items():
        offers = seen.offers.get(at)
        if offers is None:
            raise Unknown("the SSH server at {at} did not say what it offers", at=f"{at} ({process})")
        for name in offers.get(KINDS[kind][0], []):
            yield Seen(name, f"{process} at {at}")


def offered_at_boot(seen: SshServer, kind: str) -> Iterator[Seen]:
    """Yield what sshd will offer and take by its files, and by the command lines that start it."""
    for daemon in seen.daemons:
        server = daemon.words.split()[:1]
        if daemon.place == "running" and server and not server[0].endswith("sshd"):
            raise Unknown("what {daemon} will offer after a boot is not judged", daemon=str(daemon))
        for file in daemon.files:
            if file not in {config.file for config in seen.configs}:
                raise Unknown("which configuration {daemon} is given cannot be told", daemon=str(daemon))
    for config in _answered(seen):
        for option in _options(seen, config, kind):
            given = [
                (name, str(daemon))
                for daemon in seen.daemons
                for value in daemon.options(option)
                for name in named(value)
            ]
            place = _place(seen, config, option)
            if not _always_given(seen, option):
                given += [(name, place) for name in config.listed(option)]
            for name, where in given:
                if option != "hostkeyalgorithms" or name in _signing(seen, config):
                    yield Seen(name, f"{option}, {where}")
    for line in seen.lines:
        if line.in_match and _OF_LINES.get(line.option) == kind:
            yield from (Seen(name, str(line)) for name in named(line.value))


def named(value: str) -> list[str]:
    """Return the algorithms a list brings in: `+` and `^` add, `-` only takes away."""
    if value.startswith("-"):
        return []
    # A list holds no blanks; on a command line other words may follow it.
    first = value.lstrip("+^").split()[:1]
    return [name for listed in first for name in listed.split(",") if name]


def _answered(seen: SshServer) -> Iterator[Config]:
    for config in seen.configs:
        if config.status != 0:
            raise Unknown(
                "sshd does not take its configuration {file}: {error}", file=config.file, error=config.error
            )
        yield config


def _options(seen: SshServer, config: Config, kind: str) -> list[str]:
    options = list(KINDS[kind])
    if kind == "key_exchange" and config.listed("gssapikeyexchange") == ["yes"]:
        options.append("gssapikexalgorithms")
    if kind == "signatures":
        if config.listed("hostbasedauthentication") == ["yes"]:
            options.append("hostbasedacceptedalgorithms")
        if config.listed("trustedusercakeys") not in ([], ["none"]) or _set_for_some(
            seen, "trustedusercakeys"
        ):
            options.append("casignaturealgorithms")
    return options


def _set_for_some(seen: SshServer, option: str) -> bool:
    """Say whether a Match block or a command line sets an option to something."""
    told = [line.value for line in seen.lines if line.option == option and line.in_match]
    told += [value for daemon in seen.daemons for value in daemon.options(option)]
    return any(value.split()[:1] != ["none"] for value in told)


def _always_given(seen: SshServer, option: str) -> bool:
    """Say whether every command that starts sshd gives an option, so that no file's counts."""
    commands = [daemon for daemon in seen.daemons if "ExecStart" in daemon.words]
    return bool(commands) and all(daemon.options(option) for daemon in commands)


def _place(seen: SshServer, config: Config, option: str) -> str:
    """Return where an option is set: of an option given twice sshd takes the first."""
    places = [
        line.where
        for line in seen.lines
        if line.option == option and line.config == config.file and not line.in_match
    ]
    return ", ".join(places) if places else f"no line of {config.file} sets it"


def host_keys(seen: SshServer) -> list[Key]:
    """Return the host keys sshd will offer: those it is told to load, of a kind it is allowed to use."""
    found: dict[str, Key] = {}
    named = {file for config in seen.configs for file in config.options.get("hostkey", [])}
    for config in _answered(seen):
        allowed = config.listed("hostkeyalgorithms")
        for key in [*_keys(seen, config), *_read(seen, seen.host_keys.keys() - named)]:
            if any(name in allowed for name in _HOST_KEY_ALGORITHMS.get(key.kind, (key.kind,))):
                found[key.where] = key
    return list(found.values())


def _keys(seen: SshServer, config: Config) -> Iterator[Key]:
    yield from _read(seen, config.options.get("hostkey", []))


def _read(seen: SshServer, files: Iterable[str]) -> Iterator[Key]:
    for file in files:
        if file not in seen.host_keys:
            continue
        key = seen.host_keys[file]
        if key is None:
            raise Unknown("the host key {file} cannot be read", file=file)
        yield key


def _signing(seen: SshServer, config: Config) -> set[str]:
    """Return the names of signatures that the host keys on disk can make."""
    names: set[str] = set()
    for key in _keys(seen, config):
        if key.kind == "ECDSA":
            names.add(f"ecdsa-sha2-nistp{key.bits}")
        else:
            names.update(_HOST_KEY_ALGORITHMS.get(key.kind, ()))
    return names | {f"{name}-cert-v01@openssh.com" for name in names if _certified(seen)}


def _certified(seen: SshServer) -> bool:
    return any(line.option == "hostcertificate" for line in seen.lines)


def proposed_by_client(seen: SshUsers, kind: str) -> Iterator[Seen]:
    """Yield what the SSH client proposes by default, and what lines of its configuration add for some."""
    if seen.client is None:
        return
    if seen.client_status != 0:
        raise Unknown("ssh -G ended with status {status}", status=seen.client_status)
    for option in KINDS[kind]:
        for name in seen.client.get(option, []):
            if not name.endswith("-cert-v01@openssh.com"):
                yield Seen(name, f"ssh: {option}")
    if kind == "key_exchange":
        asking = [
            line for line in seen.lines if (line.option, line.value.lower()) == ("gssapikeyexchange", "yes")
        ]
        if asking or seen.client.get("gssapikeyexchange") == ["yes"]:
            where = str(asking[0]) if asking else "ssh: gssapikeyexchange"
            yield from (Seen(name, where) for name in seen.client.get("gssapikexalgorithms", []))
    for line in seen.lines:
        if _OF_LINES.get(line.option) == kind:
            yield from (Seen(name, str(line)) for name in named(line.value))
