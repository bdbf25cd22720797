"""`python -m alignlab.cli`."""

from alignlab.cli import main

main()
