"""Pictures of the communication matrix that stand in the HTML report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from plumbline.model import Text


@dataclass(frozen=True)
class Figure:
    """One picture in each language: SVG that is escaped, and that the page's own style draws."""

    title: Text
    pictures: Mapping[str, str]


@dataclass(frozen=True)
class Flows:
    """How many rows there are to draw, and the sheets; none when there are too many rows for a page.

    `style` is what the sheets need of the page.
    """

    rows: int
    sheets: tuple[Figure, ...]
    style: str = ""
