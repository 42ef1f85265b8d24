"""``python -m scaffold`` is the same as ``scaffold``."""

from scaffold.cli import main

main()
