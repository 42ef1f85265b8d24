"""Autoscaling and jobs: who owns replicas, and what runs to an end."""
