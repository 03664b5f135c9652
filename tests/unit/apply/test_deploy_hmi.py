"""The kiosk's unit as the deploy writes it, read back as verification reads units."""

from __future__ import annotations

import pytest

from deploys.hmi import unit_text
from plumbline.probes.base import Output
from plumbline.probes.hmi.service import services_at_boot
from plumbline.probes.tagged import Rows
from plumbline.probes.unit_files import UNIT_FILES_FIELDS
from plumbline.spec.kiosk import Kiosk

PATH = "/etc/systemd/system/plumbline-kiosk.service"


@pytest.mark.parametrize(
    "command",
    [
        "/opt/hmi/bin/hmi",
        "/opt/hmi/bin/hmi --scale 100% --price $5",
        "/opt/hmi/bin/hmi --title 'Boiler house 1'",
        "/usr/bin/chromium --kiosk https://hmi.ot.example/?a=%20b",
    ],
)
def test_unit_starts_the_declared_words_and_comes_back(command: str) -> None:
    kiosk = Kiosk(user="hmi", command=command)
    lines = unit_text(kiosk, 2).splitlines()
    text = "".join(f"unitline\t{PATH}\t{number}\t{line}\n" for number, line in enumerate(lines, 1))
    (service,) = services_at_boot(Rows(Output(f"{text}end\n".encode(), b"", 0), UNIT_FILES_FIELDS))
    assert service.user == "hmi"
    assert service.starts(kiosk.words)
    assert not service.starts(["/opt/other"])
    assert service.not_coming_back(2) == service.not_coming_back(30) == []
    assert service.not_coming_back(1) == [f"plumbline-kiosk.service: RestartSec=2s ({PATH}:{_line(lines)})"]


def _line(lines: list[str]) -> int:
    return lines.index("RestartSec=2") + 1
