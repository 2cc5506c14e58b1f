"""`python -m conclave` is the same as `conclave`."""

from conclave.cli import main

main()
