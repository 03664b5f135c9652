"""The package as installed elsewhere: everything it needs is in it, and is found without a checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel and unpack it into a folder of its own."""
    built, target = tmp_path_factory.mktemp("built"), tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", built, CHECKOUT], check=True
    )
    (wheel,) = built.glob("plumbline-*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--no-index", "--target", target, wheel], check=True)
    return target


def plumb(installed: Path, elsewhere: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the installed command; the checkout's own package must not be found in its stead."""
    program = (
        "import sys; sys.meta_path = [f for f in sys.meta_path if 'editable' not in repr(f)]; "
        "import plumbline; from plumbline.cli import main; "
        f"assert plumbline.__file__.startswith({str(installed)!r}), plumbline.__file__; main()"
    )
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=elsewhere,
        env={**os.environ, "PYTHONPATH": f"{installed}{os.pathsep}{sysconfig.get_path('purelib')}"},
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["policy", "validate"],
        ["policy", "coverage"],
        ["collector", "linux"],
        ["spec", "validate", "{installed}/plumbline/rooms/inventories/lab"],
    ],
    ids=lambda arguments: "-".join(arguments[:2]),
)
def test_command_works_without_a_checkout(installed: Path, tmp_path: Path, arguments: list[str]) -> None:
    done = plumb(installed, tmp_path, *(word.format(installed=installed) for word in arguments))
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_suites_and_deploys_are_in_the_package(installed: Path) -> None:
    rooms = installed / "plumbline" / "rooms"
    for room, here in (("compliance", CHECKOUT / "tests" / "compliance"), ("deploys", CHECKOUT / "deploys")):
        carried = {str(path.relative_to(rooms / room)) for path in (rooms / room).rglob("*.py")}
        assert carried == {str(path.relative_to(here)) for path in here.rglob("*.py")}
