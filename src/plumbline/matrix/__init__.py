"""The communication matrix: the approved table, judged, compiled to packet filters, and read back."""
