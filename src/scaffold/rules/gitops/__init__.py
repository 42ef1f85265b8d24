"""Delivery: what Argo CD and Flux are told to apply, in which order, and how a version gets to production."""
