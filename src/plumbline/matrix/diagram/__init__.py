"""The block diagram of flows that an offer needs: who sends what to whom, made from the matrix as SVG."""

from plumbline.matrix.diagram.sheets import flows_of, page
from plumbline.matrix.diagram.svg import render

__all__ = ["flows_of", "page", "render"]
