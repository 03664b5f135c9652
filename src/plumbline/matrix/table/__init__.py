"""The matrix as people fill it in: CSV and workbooks, with English or Slovak headers."""
