"""The shared root image of the hosts: built once a release and recipe, kept in a cache."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from plumbline.errors import PlumblineError
from plumbline.lab import recipe
from plumbline.lab.hostfiles import tail, write
from plumbline.lab.layers import check_path, remove_tree
from plumbline.lab.requirements import check_builder

BUILD_SECONDS = 1200

# Shell fragments mmdebstrap runs with the new root as $1 (man mmdebstrap(1), HOOKS); the archive is
# reachable only then. The hosts' own source has every package they are made of, as a site's mirror would.
HOOKS = (
    'mkdir -p "$1/var/cache/lab/packages" && rm -f "$1"/var/cache/apt/archives/*.deb',
    # Apart, for chrony and systemd-timesyncd conflict.
    'APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get --yes --quiet --download-only --no-install-recommends '
    "install --reinstall $(dpkg-query --admindir=\"$1/var/lib/dpkg\" -W -f '${Package} ')",
    'APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get --yes --quiet --download-only --no-install-recommends '
    f"install {' '.join(recipe.INSTALLABLE)}",
    'mv "$1"/var/cache/apt/archives/*.deb "$1/var/cache/lab/packages/"',
)


def ensure_image(
    release: str, tell: Callable[[str], None] = lambda _: None, more: Sequence[str] = ()
) -> Path:
    """Return the root directory of the release's image, building it when the cache has none.

    With `more`, that of an image with these packages installed too. `tell` is called with a sentence on what
    is being done. A build is put in place whole or not at all; two builds of one image wait for each other.
    """
    recipe.check_release(release)
    name = f"{release}-{recipe.digest(release, more)}"
    return cached(name, release, lambda root, log: build(release, root, log, more), tell)


def cached(
    name: str, release: str, make: Callable[[Path, Path], None], tell: Callable[[str], None] = lambda _: None
) -> Path:
    """Return the root directory `name` of the cache; when it is not there, `make(root, log)` builds it."""
    cache = recipe.cache().absolute()
    check_path(cache)
    cache.mkdir(parents=True, exist_ok=True)
    image = cache / name
    if image.is_dir():
        return image
    check_builder()
    with (cache / f"{image.name}.lock").open("w") as lock:
        tell(f"Waiting for the turn to build {image.name}.")
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not image.is_dir():
            tell(f"Building the root image of Debian {recipe.RELEASES[release]} (once; about a minute).")
            _build(image, make)
    return image


def _build(image: Path, make: Callable[[Path, Path], None]) -> None:
    partial = image.with_name(f"{image.name}.partial")
    remove_tree(partial)  # left by a build that was cut off; the lock says that none is running
    try:
        make(partial, image.with_name(f"{image.name}.log"))
        partial.rename(image)
    finally:
        remove_tree(partial)


def build(
    release: str,
    root: Path,
    log: Path,
    packages: Sequence[str] = (),
    options: Sequence[str] = (),
    hooks: Sequence[str] = HOOKS,
) -> None:
    """Build the lab's Debian in `root`, with more packages and more of mmdebstrap's options if given.

    A package whose name ends in `-` is left out, as apt understands it.
    """
    _bootstrap(release, root, log, packages, options, hooks)
    _finish(root, log)


def _bootstrap(
    release: str, root: Path, log: Path, more: Sequence[str], options: Sequence[str], hooks: Sequence[str]
) -> None:
    left_out = {name.removesuffix("-") for name in more if name.endswith("-")}
    included = [name for name in (*recipe.PACKAGES, *more) if name not in left_out and not name.endswith("-")]
    command = [
        "mmdebstrap",
        "--mode=root",
        "--variant=minbase",
        "--dpkgopt=force-unsafe-io",
        '--aptopt=Acquire::Languages "none"',
        f"--include={','.join(included)}",
        *options,
        *(f"--customize-hook={hook}" for hook in hooks),
        release,
        str(root),
    ]
    with log.open("wb") as output:
        _run(command, output.fileno(), log)


def _finish(root: Path, log: Path) -> None:
    """Turn a plain Debian root into the lab's: own package source, users, locales, units."""
    for path, text in recipe.FILES.items():
        write(root, path, text, mode=0o440 if "sudoers" in path else 0o644)
    (root / "etc/apt/sources.list").unlink(missing_ok=True)
    for key in root.glob("etc/ssh/ssh_host_*"):
        key.unlink()
    index_packages(root / "var/cache/lab/packages")
    write(root, "/etc/machine-id", "uninitialized\n")
    commands = [
        ["apt-get", "update", "--quiet"],
        *(
            ["useradd", "--create-home", "--shell=/bin/bash", f"--gid={g}", u]
            for u, g in recipe.USERS.items()
        ),
        *(["localedef", "-i", name, "-f", "UTF-8", f"{name}.UTF-8"] for name in recipe.LOCALES),
        ["systemctl", "--quiet", "enable", *recipe.ENABLED],
        ["systemctl", "--quiet", "mask", *recipe.MASKED],
    ]
    with log.open("ab") as output:
        for command in commands:
            _run(["chroot", str(root), *command], output.fileno(), log)


def _run(command: list[str], output: int, log: Path) -> None:
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            timeout=BUILD_SECONDS,
            env=environment,
            umask=0o022,
        )
    except subprocess.TimeoutExpired as late:
        raise PlumblineError(
            f"The root image is not built after {BUILD_SECONDS // 60} minutes.\n{tail(log)}",
            hint=f"The whole log is {log}; a build needs a Debian mirror that answers.",
        ) from late
    if done.returncode != 0:
        raise PlumblineError(
            f"The root image cannot be built: {command[0]} ended with {done.returncode}.\n{tail(log)}",
            hint=f"The whole log is {log}; a build needs a Debian mirror that answers.",
        )


def index_packages(directory: Path) -> None:
    """Write `Packages`, the index of a flat package source (Debian repository format)."""
    entries = []
    for package in sorted(directory.glob("*.deb")):
        fields = subprocess.run(["dpkg-deb", "-f", str(package)], check=False, capture_output=True, text=True)
        if fields.returncode != 0:
            raise PlumblineError(f"The package {package.name} cannot be read: {fields.stderr.strip()}")
        content = package.read_bytes()
        entries.append(
            f"{fields.stdout.rstrip()}\nFilename: ./{package.name}\nSize: {len(content)}\n"
            f"SHA256: {hashlib.sha256(content).hexdigest()}\n"
        )
    index = "\n".join(entries)
    (directory / "Packages").write_text(index)
    (directory / "Packages").chmod(0o644)
