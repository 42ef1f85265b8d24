"""``scaffold explain-route``: which workload answers a request, in each cluster, or why nobody does."""

from dataclasses import replace

from scaffold.commands.ahead import Begun
from scaffold.commands.check import Progress, expanded, known
from scaffold.expand import environment_of, environments
from scaffold.model.errors import BadInput
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.route import Answer, Request
from scaffold.rules.reading.route_table import answers


def explain_route(
    begun: Begun, request: Request, environment: str = "", progress: Progress = lambda _: None
) -> tuple[Repo, list[Answer]]:
    """Return the expanded repository and what each entry makes of a request, of one environment or of all."""
    progress(f"{len(begun.repo.files)} files read")
    repo = expanded(begun.root, known(begun), begun.engine)
    there = environments(repo)
    if environment and environment not in there:
        raise BadInput(f"--env {environment}: no such environment, choose from {', '.join(there) or 'none'}")
    found = [replace(answer, environment=_environment(repo, answer.decided_by)) for answer in answers(repo, request)]
    return repo, [answer for answer in found if not environment or answer.environment == environment]


def request_of(host: str, path: str, method: str, headers: list[str], port: int | None) -> Request:
    """Return the request that a person described; ``headers`` are ``name=value`` or ``name: value``."""
    if "://" in host or "/" in host or not host:
        raise BadInput(f"{host or 'an empty text'} is no host: write shop.example.com, and the path after it")
    name, _, named_port = host.partition(":")
    if named_port and not named_port.isdigit():
        raise BadInput(f"{host}: the port is no number")
    if not path.startswith("/"):
        raise BadInput(f"{path} is no path: it begins with /")
    found: dict[str, str] = {}
    for text in headers:
        cut = min((text.index(sign) for sign in "=:" if sign in text), default=0)
        if not cut:
            raise BadInput(f"-H {text}: write NAME=VALUE")
        found[text[:cut].strip()] = text[cut + 1 :].strip()
    return Request(name, path, method.upper(), found, port or (int(named_port) if named_port else None))


def _environment(repo: Repo, manifest: Manifest | None) -> str:
    return environment_of(repo, manifest) if manifest else ""
