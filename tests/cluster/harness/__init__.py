"""The control plane, Argo CD and the servers around them, as context managers."""
