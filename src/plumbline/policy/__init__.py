"""The standard: loaded from `policies/`, validated, and resolved to the desired state of one host."""
