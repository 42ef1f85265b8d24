"""Whether two spellings of a git URL mean one repository, and whether a revision may be the working tree."""

import re

_USER = re.compile(r"^[^@/]+@")
_PORTS = {"ssh": ":22", "https": ":443", "http": ":80"}
_FIXED = re.compile(r"(refs/tags/.*|v?\d+(\.\d+)*([-+].*)?|.*[*^~<>=].*|[0-9a-f]{7,64})\Z")


def same_repository(one: object, other: object) -> bool:
    """Tell whether two URLs name one git repository; ``https``, ``ssh`` and ``git@host:path`` are one."""
    return isinstance(one, str) and isinstance(other, str) and bool(plain(one)) and plain(one) == plain(other)


def plain(url: str) -> str:
    """Return host and path of a git URL, the same for all its spellings."""
    scheme, separator, rest = url.strip().rpartition("://")
    rest = _USER.sub("", rest)
    if not separator:
        rest = rest.replace(":", "/", 1)
    host, _, path = rest.partition("/")
    host = host.removesuffix(_PORTS.get(scheme, ":"))
    return f"{host}/{path}".rstrip("/").removesuffix(".git").lower().strip("/")


def is_fixed(revision: object) -> bool:
    """Tell whether a revision is a tag, a range or a commit: it may hold other files than the working tree."""
    return isinstance(revision, str) and bool(_FIXED.match(revision))
