"""Plumbline: hosts brought to a written standard, proved to stand true, and watched for drift."""

__version__ = "0.1.0"
