"""The protocol of a Service's port, as Istio reads it from ``appProtocol`` or the port's name."""

from collections.abc import Mapping
from typing import Any

GUESSED = ""
HTTP = frozenset({"grpc", "grpc-web", "http", "http2"})

_KNOWN = frozenset({*HTTP, "https", "mongo", "mysql", "redis", "tcp", "tls", "udp"})
_OF_KUBERNETES = {"kubernetes.io/h2c": "http2", "kubernetes.io/ws": "http", "kubernetes.io/wss": "https"}
_PLAIN_TCP = frozenset({25, 53, 3306, 27017})


def protocol(port: Mapping[str, Any]) -> str:
    """Return the protocol in lower case; empty where Istio has to guess it."""
    if port.get("protocol") == "UDP":
        return "udp"
    said = str(port.get("appProtocol") or port.get("name") or "")
    if port.get("appProtocol") and said in _OF_KUBERNETES:
        return _OF_KUBERNETES[said]
    lower = said.lower()
    name = "grpc-web" if lower.startswith("grpc-web") else lower.partition("-")[0]
    if name in _KNOWN:
        return name
    number = port.get("port")
    return "tcp" if isinstance(number, int) and number in _PLAIN_TCP else GUESSED
