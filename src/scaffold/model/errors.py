"""The errors a person sees: one line that says what is wrong, where, and what to do."""


class ScaffoldError(Exception):
    """Base of all foreseen errors; its text is shown as it is, its ``exit_code`` ends the program."""

    exit_code = 2


class BadInput(ScaffoldError):
    """Wrong use or bad input (exit code 2)."""


class ToolFailed(ScaffoldError):
    """A tool that the work needs is missing, crashed or took too long (exit code 3)."""

    exit_code = 3
