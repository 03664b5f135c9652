"""`python -m plumbline` is the command `plumb`."""

from plumbline.cli import main

main()
