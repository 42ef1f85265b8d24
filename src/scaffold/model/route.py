"""A request and who answers it, as data: what `scaffold explain-route` shows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from scaffold.model.manifest import Manifest, Place
from scaffold.model.yamltext import Path


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asks for. ``headers`` have names in lower case, ``port`` is None for every port."""

    host: str
    target: str = "/"
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    port: int | None = None

    @property
    def path(self) -> str:
        """Return the path without its query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        """Return the parameters of the query, the first of each name."""
        return dict(reversed(parse_qsl(self.target.partition("?")[2], keep_blank_values=True)))


@dataclass(frozen=True, slots=True)
class Step:
    """One thing a request passes, and the line that says so."""

    what: str
    place: Place | None = None

    @classmethod
    def at(cls, manifest: Manifest, keys: Path, what: str) -> "Step":
        """Return a step at the value below these keys of a manifest."""
        return cls(what, manifest.place(*keys))


@dataclass(frozen=True, slots=True)
class Share:
    """One destination of a route: its part of the requests in percent, how it leads on, and to which pods.

    ``why`` says where it ends when nobody is there; ``outside`` that it leads to where no manifest of the
    repository can say more. ``labels`` are those the pods are selected by.
    """

    percent: float
    steps: tuple[Step, ...]
    pods: tuple[Step, ...] = ()
    labels: Mapping[str, object] = field(default_factory=dict)
    why: str = ""
    outside: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What one entry (a port of a Gateway, or the mesh) makes of a request.

    ``tried`` are the routes that were passed by, with the reason; ``reply`` is what the entry says itself (a
    redirect); ``why`` is why nobody answers. ``decided_by`` is the object whose route took the request, else
    the entry's own, ``environment`` the one that object belongs to.
    """

    cluster: str
    entry: Step
    steps: tuple[Step, ...] = ()
    tried: tuple[Step, ...] = ()
    shares: tuple[Share, ...] = ()
    reply: str = ""
    why: str = ""
    notes: tuple[str, ...] = ()
    decided_by: Manifest | None = field(default=None, repr=False)
    environment: str = ""

    @property
    def answered(self) -> bool:
        """Tell whether somebody answers, as far as it can be said; that a Gateway sends to https is no answer yet."""
        sent_on = self.decided_by is not None and self.decided_by.kind == "Gateway"
        return bool(self.reply and not sent_on) or any(share.pods or share.outside for share in self.shares)
