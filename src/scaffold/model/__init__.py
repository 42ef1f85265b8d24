"""Frozen data and pure functions: what the other rooms talk about. No I/O."""
