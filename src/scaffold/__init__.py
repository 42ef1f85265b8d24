"""Scaffold, check and update production GitOps repositories."""

__version__ = "0.1.0"
