"""The API server as judge of ``scaffold check``: what each of them says of thousands of broken objects."""
