"""Mesh configuration on a control plane, and what istioctl says of it."""
