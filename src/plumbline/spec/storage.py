"""Where a host keeps what: its partitions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from plumbline.model import Strict
from plumbline.spec.values import Mount

Classification = Literal["public", "internal", "confidential", "strictly-confidential"]
"""How sensitive data is, in rising order; what 15 calls sensitive is classified above internal (5.1)."""


class Partition(Strict):
    """One partition: where it is mounted (`/srv`, `D:`, or `swap`), its size in GiB, what it holds.

    `classification` is that of the most sensitive data on it; left out, nobody has classified the data.
    """

    mount: Mount
    size_gib: Annotated[float, Field(strict=True, gt=0)]
    holds: Literal["system", "application", "data", "log", "swap"]
    classification: Classification | None = None

    @model_validator(mode="after")
    def _swap_is_mounted_nowhere(self) -> Partition:
        if self.mount == "swap" and self.holds != "swap":
            raise ValueError(f"the mount swap holds swap, not {self.holds}")
        return self
