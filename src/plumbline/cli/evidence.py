"""`plumb evidence`: look into evidence, sign it, and see who signed it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from plumbline.errors import InputError, UsageError

PASSPHRASE = "PLUMBLINE_KEY_PASSPHRASE"  # noqa: S105  (the name of a variable)
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group()
def evidence() -> None:
    """Show, verify and sign evidence."""


@evidence.command("list")
@click.argument("file", type=_FILE)
def list_(file: Path) -> None:
    """List the probes in an evidence FILE: how each ended, and what it took and printed."""
    from plumbline.evidence.bundle import Evidence

    found = Evidence.read(file)
    click.echo(
        f"{found.hostname}, collected {found.start:%Y-%m-%d %H:%M:%S} UTC as {found.user} "
        f"by collector {found.collector_version} ({found.collector_digest[:16]})\n"
    )
    width = max((len(name) for name in found.probes), default=5)
    click.echo(f"{'probe':{width}}  {'state':8}  exit  {'ms':>6}  bytes")
    for name, answer in found.probes.items():
        status = "—" if answer.exit is None else answer.exit
        state = "cut" if answer.cut else answer.state
        click.echo(f"{name:{width}}  {state:8}  {status:>4}  {answer.ms:>6}  {len(answer.out):>5}")


@evidence.command()
@click.argument("file", type=_FILE)
@click.argument("probe", required=False)
def show(file: Path, probe: str | None) -> None:
    """Show what the probes in an evidence FILE printed, all or one PROBE.

    What a terminal would obey is shown as an escape. What a probe printed on standard error is marked `!`.
    """
    from plumbline.evidence.bundle import Evidence
    from plumbline.evidence.printable import printable

    found = Evidence.read(file)
    if probe is not None and probe not in found.probes:
        near = [name for name in found.probes if probe in name]
        raise UsageError(
            f"{file} has no probe {probe}", hint=f"it has {', '.join(near or found.probes) or 'none at all'}"
        )
    for name, answer in found.probes.items():
        if probe not in (None, name):
            continue
        if probe is None:
            ended = f"exit {answer.exit}" if answer.exit is not None else answer.state
            click.echo(f"── {name} ({ended}{', cut off' if answer.cut else ''})")
        click.echo(printable(answer.out.decode("utf-8", "backslashreplace")).removesuffix("\n"))
        for line in answer.err.decode("utf-8", "backslashreplace").splitlines():
            click.echo(f"! {printable(line)}")


@evidence.command()
@click.argument("file", type=_FILE)
@click.option("--key", "key_file", required=True, type=_FILE, help="An RSA key in PEM.")
def sign(file: Path, key_file: Path) -> None:
    """Sign an evidence FILE; the signature is written beside it, to FILE.sig."""
    from plumbline.evidence.bundle import Evidence
    from plumbline.evidence.sign import load_key, sign_file

    found = Evidence.read(file)
    click.echo(sign_file(file, found.raw, load_key(key_file, lambda: passphrase(key_file))))


@evidence.command()
@click.argument("file", type=_FILE)
@click.option("--trust", required=True, type=_FILE, help="The signer's public key or certificate, in PEM.")
def verify(file: Path, trust: Path) -> None:
    """Verify that an evidence FILE is whole, and signed by whom one trusts."""
    from plumbline.evidence.bundle import Evidence
    from plumbline.evidence.sign import load_trusted, verify_file

    found = Evidence.read(file)
    owner = verify_file(file, found.raw, load_trusted(trust), found.end)
    click.echo(f"{file}: evidence of {found.hostname}, signed by {owner}")


def passphrase(key_file: Path) -> str:
    """Return the passphrase of a key, from the environment or the person; never from the command line."""
    if PASSPHRASE in os.environ:
        return os.environ[PASSPHRASE]
    if not sys.stdin.isatty():
        raise InputError(
            "the key is encrypted, and nobody can be asked for its passphrase",
            file=key_file,
            hint=f"put it into the environment as {PASSPHRASE}",
        )
    answer: str = click.prompt(f"Passphrase of {key_file}", hide_input=True, err=True)
    return answer
