"""The communication matrix: the approved table, judged, compiled to packet filters, and read back."""

FILE = "matrix.yml"
"""Its name in an inventory."""
