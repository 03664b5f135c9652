"""JSON Schemas for editors, made from the models and published in `policies/schemas/`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from plumbline.atomic import replace
from plumbline.policy.accounts import AccountsFile
from plumbline.policy.baseline import Baseline
from plumbline.policy.elsewhere import ElsewhereFile
from plumbline.policy.model import ControlsFile, Profile, RequirementsFile, StandardInfo
from plumbline.policy.privileged import Privileged
from plumbline.policy.protocols import ProtocolsFile
from plumbline.policy.releases import ReleasesFile
from plumbline.policy.servers import ServersFile
from plumbline.rooms import POLICIES
from plumbline.spec.model import Connection, Site, System

SCHEMAS = POLICIES / "schemas"
MODELS: dict[str, type[BaseModel]] = {
    "standard": StandardInfo,
    "requirements": RequirementsFile,
    "controls": ControlsFile,
    "profile": Profile,
    "protocols": ProtocolsFile,
    "elsewhere": ElsewhereFile,
    "accounts": AccountsFile,
    "releases": ReleasesFile,
    "baseline": Baseline,
    "servers": ServersFile,
    "privileged": Privileged,
    "site": Site,
    "system": System,
    "connection": Connection,
}


def schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of one kind of file; KeyError if there is no such kind."""
    made = MODELS[name].model_json_schema(by_alias=True, mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}


def text_of(name: str) -> str:
    """Return a schema as it is published: indented, keys in the models' order."""
    return json.dumps(schema(name), indent=2, ensure_ascii=False) + "\n"


def write_schemas(folder: Path = SCHEMAS) -> list[Path]:
    """Write every schema that is missing or differs, each at once or not at all; return what was written."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name in MODELS:
        path = folder / f"{name}.schema.json"
        text = text_of(name)
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        replace(path, text.encode(), 0o644)
        written.append(path)
    return written
