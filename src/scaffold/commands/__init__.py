"""What a command does: plain arguments in, data out. The door (``scaffold.cli``) maps options and exit codes."""
