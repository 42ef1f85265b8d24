"""The version of the program, which is that of its template, too."""

__version__ = "0.1.0"
