"""What several rules read out of a repository: one cluster's objects, owners, selectors, places. No rules."""
