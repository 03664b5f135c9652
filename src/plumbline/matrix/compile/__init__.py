"""From the matrix to what packet filters load: nftables for hosts, Windows Firewall, ACLs between VLANs."""
