"""The repository itself: owners, catalog, dependency updates, workflows, and what holds across all of its images."""
