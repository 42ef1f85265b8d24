"""Workloads behave: what the template renders is applied for real, then scheduled, scaled, drained and rolled out."""
