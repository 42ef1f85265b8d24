"""Observability: what is scraped, recorded, alerted on, and whom it reaches."""
