"""Random sysctl.d files: what our reading foretells, and what systemd-sysctl then really sets."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from plumbline.lab import Lab
from plumbline.probes.files import ConfigFile, effective
from plumbline.probes.sysctl import DIRECTORIES, Settings, assignments, at_boot

# Keys of an interface that the kernel does not copy from one to another while they are set one by one.
INTERFACES = ("all", "a0", "b0.7", "c0")
NAMES = ("log_martians", "send_redirects", "rp_filter")
PATHS = [f"net/ipv4/conf/{interface}/{name}" for interface in INTERFACES for name in NAMES]
FOLDERS = DIRECTORIES[:-1]

# Runs a trial in namespaces of its own: other interfaces, and other files in the directories.
RUN = """
cd /root/trials && for trial in *; do unshare -nm sh -c '
    ip link add a0 type veth peer name b0.7; ip link add c0 type veth peer name d0
    for folder in etc run usr/local/lib usr/lib; do
        mkdir -p /$folder/sysctl.d; mount --bind $PWD/$0/$folder /$folder/sysctl.d
    done
    cd /proc/sys/net/ipv4/conf; for f in all/* a0/* b0.7/* c0/*; do echo 7 >$f 2>/dev/null; done
    /usr/lib/systemd/systemd-sysctl 2>/dev/null
    grep -H . */log_martians */send_redirects */rp_filter' $trial | sed "s|^|$trial |"; done
"""
SET_BEFORE = "7"


@dataclass(frozen=True)
class Trial:
    """Some files, what is foretold for each key, and what the kernel had afterwards."""

    files: dict[str, str]
    foretold: dict[str, str]
    happened: dict[str, str]

    @property
    def agrees(self) -> bool:
        """Whether every key has the value that was foretold."""
        return self.foretold == self.happened


def _key(chance: random.Random) -> str:
    interface = chance.choice([*INTERFACES, *INTERFACES, "*", "?0", "b0*", "[ab]*"])
    name = chance.choice([*NAMES, *NAMES, "*_redirects", "[lr]*"])
    slashes = f"net/ipv4/conf/{interface}/{name}"
    swapped = slashes.translate(str.maketrans("./", "/."))
    return chance.choice([slashes, swapped, f"/{slashes}", f" {swapped} ", slashes.replace("/", "//", 1)])


def _line(chance: random.Random) -> str:
    key = _key(chance)
    return chance.choice(
        [
            *[f"{key}={chance.choice('0123')}"] * 6,
            f"-{key.strip()} = {chance.choice('01')}",
            f"-{key.strip()}",
            f"# {key}=1",
            f"; {key}=1",
            f"{key} 1",
            "",
        ]
    )


def _files(chance: random.Random) -> dict[str, str]:
    found = {}
    for _ in range(chance.randint(1, 6)):
        folder = chance.choice(FOLDERS)
        name = chance.choice(["10-a.conf", "50-b.conf", "99-sysctl.conf", "zz.conf", "Z.conf", "x.config"])
        lines = [_line(chance) for _ in range(chance.randint(0, 5))]
        found[f"{folder}/{name}"] = "\n".join(lines) + "\n"
    return found


def foretell(files: dict[str, str]) -> dict[str, str]:
    """Return what our reading says of each key; one that nothing sets keeps what it had."""
    read = {path: ConfigFile(path, tuple(text.splitlines())) for path, text in files.items()}
    settings = Settings({}, assignments(effective(read, FOLDERS, ".conf")))
    decided = {path: at_boot(settings, path) for path in PATHS}
    return {path: made.value or "" if made else SET_BEFORE for path, made in decided.items()}


def compared(lab: Lab, host: str, *, seed: int, trials: int) -> Iterator[Trial]:
    """Run so many trials on a host; the same seed makes the same files."""
    chance = random.Random(seed)  # noqa: S311  (nothing secret is made of it)
    made = [_files(chance) for _ in range(trials)]
    script = ["mkdir /root/trials; cd /root/trials"]
    for number, files in enumerate(made):
        script += [f"mkdir -p {number:03d}{folder.removesuffix('/sysctl.d')}" for folder in FOLDERS]
        for path, text in files.items():
            name = path.replace("/sysctl.d", "")
            script.append(f"cat >{number:03d}{name} <<'END'\n{text}END")
    lab.run(host, "sh -e", input="\n".join(script) + "\n")
    try:
        printed = lab.run(host, RUN).stdout
    finally:
        lab.run(host, "rm -r /root/trials")
    happened: list[dict[str, str]] = [{} for _ in made]
    for line in printed.splitlines():
        trial, _, rest = line.partition(" ")
        path, _, value = rest.partition(":")
        if f"net/ipv4/conf/{path}" in PATHS:
            happened[int(trial)][f"net/ipv4/conf/{path}"] = value
    for files, values in zip(made, happened, strict=True):
        yield Trial(files, foretell(files), values)
