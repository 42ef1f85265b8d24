"""Policies of Kyverno: that they are of an API that stays, reach what they mean, and let the cluster heal."""
