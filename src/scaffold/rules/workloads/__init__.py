"""Workloads: pods, their owners, Services, budgets, scheduling, storage."""
