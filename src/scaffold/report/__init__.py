"""Findings and manifests in, a string out. Nothing here prints."""
