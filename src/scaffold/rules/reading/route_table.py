"""Who answers a request: every entry of every cluster that takes its host."""

from collections.abc import Iterator
from dataclasses import replace

from scaffold.model.repo import Repo
from scaffold.model.route import Answer, Request
from scaffold.rules.reading.gateway_api_routes import at_listeners
from scaffold.rules.reading.istio_routes import at_gateways, in_the_mesh
from scaffold.rules.reading.mesh import meshes


def answers(repo: Repo, request: Request) -> Iterator[Answer]:
    """Yield what each entry makes of a request: Gateways of Istio, of the Gateway API, and the mesh itself."""
    asked = replace(
        request,
        host=request.host.lower().rstrip("."),
        headers={name.lower(): value for name, value in request.headers.items()},
    )
    for mesh in meshes(repo):
        yield from at_gateways(mesh, asked)
        yield from at_listeners(mesh, asked)
        yield from in_the_mesh(mesh, asked)
