"""Writing a matrix as YAML, its source: in the order of the model, what says nothing left out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from plumbline.atomic import replace
from plumbline.matrix.model import DEPARTMENTS, Matrix

_ON_ONE_LINE = 90
_NUMBER = re.compile(r"[-+]?[\d.][\da-fA-FxXoO_:.eE+-]*")


def yaml_of(matrix: Matrix) -> str:
    """Return the file's text; reading it gives the same matrix."""
    data = matrix.model_dump(mode="python", exclude_defaults=True)
    if matrix.names:
        data["names"] = {name: [str(one) for one in addresses] for name, addresses in matrix.names.items()}
    data.setdefault("rows", [])
    for row in data["rows"]:
        if "approved_by" in row:
            row["approved_by"] = {
                key: row["approved_by"][key] for key in DEPARTMENTS if key in row["approved_by"]
            }
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


def write_yaml(matrix: Matrix, path: Path) -> None:
    """Write the file at once or not at all."""
    replace(path, yaml_of(matrix).encode(), 0o644)


class _Dumper(yaml.SafeDumper):
    """YAML without anchors, lists of single values on one line."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401, ARG002  (as the library has it)
        """Write every value out."""
        return True

    def represent_text(self, text: str) -> yaml.ScalarNode:
        """Quote what some program may read as a number, such as 9e17 or 0x1f."""
        return self.represent_scalar(
            "tag:yaml.org,2002:str", text, style="'" if _NUMBER.fullmatch(text) else None
        )

    def represent_sequence(
        self,
        tag: str,
        sequence: Any,  # noqa: ANN401  (as the library has it)
        flow_style: bool | None = None,
    ) -> yaml.SequenceNode:
        """Keep short lists of texts on one line."""
        texts = all(isinstance(one, str) for one in sequence)
        short = texts and sum(len(one) + 2 for one in sequence) < _ON_ONE_LINE
        return super().represent_sequence(tag, sequence, flow_style=short or flow_style)


_Dumper.add_representer(str, _Dumper.represent_text)
