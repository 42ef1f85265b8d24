"""The door: maps options to commands and results to exit codes; nothing else.

Exit codes: 0 clean, 1 findings or conflicts, 2 wrong use or bad input, 3 a tool failed.
Rooms behind the door are imported when a command runs: ``--help`` loads none of them.
"""

# The order is that of the help.
from scaffold.cli import making, checking, comparing, routing  # isort: skip
from scaffold.cli.app import app, exit_codes

__all__ = ["checking", "comparing", "main", "making", "routing"]


def main() -> None:
    """Run the program; nothing foreseen ends in a traceback."""
    with exit_codes():
        app(prog_name="scaffold", standalone_mode=True)
