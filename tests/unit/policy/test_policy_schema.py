"""The published JSON Schemas are the models', and they judge files as the models do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from plumbline.policy.schema import MODELS, SCHEMAS, text_of, write_schemas
from plumbline.rooms import LAB_INVENTORY, POLICIES
from plumbline.yamlfile import read_yaml

STANDARD = POLICIES / "mhth-ot"
FILES = {
    "standard": [STANDARD / "standard.yml"],
    "protocols": [STANDARD / "protocols.yml"],
    "elsewhere": [STANDARD / "elsewhere.yml"],
    "accounts": [STANDARD / "accounts.yml"],
    "releases": [STANDARD / "releases.yml"],
    "privileged": [STANDARD / "privileged.yml"],
    "baseline": sorted((STANDARD / "baselines").glob("*.yml")),
    "servers": [STANDARD / "servers.yml"],
    "requirements": sorted((STANDARD / "requirements").glob("*.yml")),
    "controls": sorted((STANDARD / "controls").glob("*.yml")),
    "profile": sorted((STANDARD / "profiles").glob("*.yml")),
    "site": [LAB_INVENTORY / "site.yml"],
    "system": sorted((LAB_INVENTORY / "systems").glob("*.yml")),
}


def _validator(name: str) -> Any:  # noqa: ANN401  (jsonschema is untyped)
    return jsonschema.Draft202012Validator(json.loads(text_of(name)))


def test_published_schemas_are_the_models() -> None:
    """After a change of a model: `plumb policy schema --write`."""
    published = {path.name: path.read_text(encoding="utf-8") for path in SCHEMAS.iterdir()}
    assert published == {f"{name}.schema.json": text_of(name) for name in MODELS}


@pytest.mark.parametrize("name", MODELS)
def test_schema_is_one(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(text_of(name)))


@pytest.mark.parametrize(("name", "path"), [(name, path) for name, paths in FILES.items() for path in paths])
def test_file_holds_against_its_schema(name: str, path: Path) -> None:
    assert [error.message for error in _validator(name).iter_errors(read_yaml(path).data)] == []


@pytest.mark.parametrize("name", [name for name in MODELS if name not in ("controls", "connection")])
def test_unknown_key_fails_in_editors_too(name: str) -> None:
    data = {**read_yaml(FILES[name][0]).data, "titel": 1}
    assert "titel" in str([error.message for error in _validator(name).iter_errors(data)])


def test_from_is_written_from_and_not_source() -> None:
    data = read_yaml(STANDARD / "controls/time.yml").data
    data["time-from-site"]["parameters"]["sources"] = {"source": "site.time_sources"}
    assert not _validator("controls").is_valid(data)


def test_writing_twice_writes_once(tmp_path: Path) -> None:
    first = write_schemas(tmp_path / "schemas")
    (tmp_path / "schemas/site.schema.json").write_text("{}")
    assert len(first) == len(MODELS)
    assert write_schemas(tmp_path / "schemas") == [tmp_path / "schemas/site.schema.json"]
    assert write_schemas(tmp_path / "schemas") == []
    assert {path.name for path in (tmp_path / "schemas").iterdir()} == {
        f"{name}.schema.json" for name in MODELS
    }
