"""Mesh: what Istio is told, which accepts nearly everything and answers 503 later."""
