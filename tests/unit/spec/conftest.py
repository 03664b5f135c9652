"""What these tests share: an inventory on disk, and a small standard to hold it against."""

from __future__ import annotations

from pathlib import Path

import pytest
from written_inventory import Written

from plumbline.model import Text
from plumbline.policy.model import Control, Parameter, Profile, StandardInfo
from plumbline.policy.standard import Standard


@pytest.fixture
def written(tmp_path: Path) -> Written:
    return Written(tmp_path / "plant")


@pytest.fixture(scope="session")
def standard() -> Standard:
    text = Text(en="Idle", sk="Nečinná")
    lock = Control(
        title=text,
        meets=["server.session-lock"],
        severity="high",
        parameters={"idle_seconds": Parameter(default=600, accepts="1..600")},
        remedy=text,
    )
    info = StandardInfo(
        title=text,
        version="1",
        in_force_from="2023-09-11",
        issuer=text,
        approving_departments=[text],
        chapters={"6": text},
    )
    return Standard(
        name="small",
        info=info,
        requirements={},
        controls={"idle-session-lock": lock},
        subjects={"idle-session-lock": "session"},
        profiles={"server": Profile(title=text, controls=["idle-session-lock"])},
    )
