"""Helm: charts of this repository, and how charts of others are used."""
