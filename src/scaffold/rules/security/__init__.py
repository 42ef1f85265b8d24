"""Security: Pod Security, network policies, rights, certificates and secrets, as far as objects refer to each other."""
