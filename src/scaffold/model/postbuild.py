"""What expansion and rules both know of Flux's ``postBuild``."""

SWITCH = "kustomize.toolkit.fluxcd.io/substitute"
"""Label or annotation; with the value ``disabled`` no variable is put into the object."""

NOT_EVALUATED = "postBuild substitution is not evaluated"
"""How the reason begins where the variables of a Kustomization are not known; its objects stay as they are built."""
