"""What the plant's matrix is compiled to, kept as files to be read by people; run it to write them anew."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from plant import matrix, plant, row

from plumbline.matrix.compile import ios, nftables, windows
from plumbline.matrix.compile.nftables import DISPATCH_FROM
from plumbline.matrix.flows import host_flows
from plumbline.matrix.model import Matrix

FOLDER = Path(__file__).parents[2] / "recorded/matrix"
TABLE = matrix(
    row(),
    row("view", source=["plc-gw"], destination=["desk"], ports=["8443", "8450-8455"]),
    row("telegrams", source=["vlan:office"], destination=["plc-gw"], protocol="udp", ports=["5000-5002"]),
    row("twin", source=["10.1.3.3"], destination=["10.1.3.2"], ports=["5433"]),
    row("range", source=["10.1.2.8-10.1.2.13"], destination=["hist", "plc-gw"], ports=["4443"]),
    row(
        "ping",
        source=["site:management"],
        destination=["system:heat"],
        protocol="icmp",
        ports=None,
        icmp_types=["echo-request", "timestamp-request"],
    ),
)
WORKBOOK = Matrix.model_validate(
    {
        "names": {"log.plant.test": ["10.1.9.12", "10.1.9.13"]},
        "rows": [
            *TABLE.model_dump()["rows"],
            row(
                "odd",
                source=["10.1.1.0/24"],
                ports=["10-12"],
                service="=1+1",
                encryption="opc-ua",
                classification="confidential",
                credentials=True,
                justification="čaká na žltý kôň",
                requested_by=None,
                approved_by={},
                valid_until="2027-12-31",
            ),
        ],
    }
)
"""What stands in the workbooks that LibreOffice saved: our own, opened and saved there."""
MANY = Matrix.model_validate(
    {
        "rows": [
            row(
                f"gauge-{number}",
                source=[f"10.1.1.{100 + number}"],
                destination=["plc-gw"],
                ports=["4840"] if number % 2 else ["4840-4841"],
            )
            for number in range(DISPATCH_FROM)
        ]
    }
)
"""So many rows to one host that they are dispatched by port."""


def compiled(folder: Path) -> dict[str, str]:
    """Return what is compiled, by file name; `folder` is where the plant's inventory is written."""
    inventory = plant(folder)
    flows = host_flows(inventory, TABLE)
    return {
        "plc-gw.nft": nftables.render(flows["plc-gw"]),
        "hist.nft": nftables.render(flows["hist"]),
        "plc-gw-many.nft": nftables.render(host_flows(inventory, MANY)["plc-gw"]),
        "desk.firewall.json": json.dumps(windows.data(flows["desk"]), indent=2) + "\n",
        "crossing.ios": ios.render(inventory, TABLE),
    }


def main() -> None:
    """Write the files; what changed in them is to be read before it is kept."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, text in compiled(Path(folder)).items():
            (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
