"""One setting of a desktop, whichever: what it is for every user, and whether he may change it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Key:
    """A setting as in force for a user who has set nothing; `schema` is the file or schema it is of."""

    schema: str
    name: str
    value: str
    writable: bool
    where: str = ""

    def __str__(self) -> str:
        told = f"{self.schema} {self.name} = {self.value}"
        told += " (users may change it)" if self.writable else ""
        return f"{told} ({self.where})" if self.where else told
