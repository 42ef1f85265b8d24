"""Tests against a real control plane: what the template renders is accepted and reconciled. `make e2e` runs them."""
