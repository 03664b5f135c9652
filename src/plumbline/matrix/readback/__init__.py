"""From what a host has loaded, and will load at boot, back to the matrix: what differs in meaning."""
