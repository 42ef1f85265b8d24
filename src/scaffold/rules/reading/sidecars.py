"""Containers that serve another one of their pod: known by their images, and none of them ever ends by itself."""

import re
from collections.abc import Mapping
from typing import Any

from scaffold.rules.reading.images import Reference

_SHIPPERS = frozenset({
    "alloy", "aws-for-fluent-bit", "filebeat", "fluent-bit", "fluentd", "fluentd-kubernetes-daemonset", "promtail",
    "vector",
})  # fmt: skip
_PROXIES = frozenset({
    "alloydb-auth-proxy", "ambassador", "cloud-sql-proxy", "gce-proxy", "pgbouncer", "pgcat", "proxyv2", "proxysql",
    "twemproxy",
})  # fmt: skip
_EXPORTER = re.compile(r"(.*[-_])?exporter\Z")


def kind_of(container: Mapping[str, Any]) -> str:
    """Return what a container serves as, empty if it is none of the known ones."""
    image = container.get("image")
    name = Reference.of(image).name.rpartition("/")[2].lower() if isinstance(image, str) else ""
    if name in _SHIPPERS:
        return "log shipper"
    if name in _PROXIES:
        return "proxy"
    return "exporter" if _EXPORTER.match(name) else ""


def a(kind: str) -> str:
    """Return a kind with its article."""
    return f"{'an' if kind[:1] in 'aeiou' else 'a'} {kind}"


def command(container: Mapping[str, Any]) -> str:
    """Return command and arguments of a container as one text."""
    words = []
    for field in ("command", "args"):
        listed = container.get(field)
        words += [str(word) for word in listed] if isinstance(listed, list) else []
    return " ".join(words)
