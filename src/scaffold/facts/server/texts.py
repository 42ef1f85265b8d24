"""Texts that the API server's code knows by their form: names, labels, ports, paths, addresses."""

import re
from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

from scaffold.facts.bounds import shown
from scaffold.facts.formats import is_cidr, is_ip
from scaffold.facts.server.shapes import Test, Wrong

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_NAME_PART = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]\Z", re.ASCII)
_LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?\Z", re.ASCII)
_DNS_LABEL = re.compile(rf"{_LABEL}\Z", re.ASCII)
_DNS_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?\Z", re.ASCII)
_DNS_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*\Z", re.ASCII)
_UNDERSCORED = re.compile(r"[a-z0-9_]([-_a-z0-9]*[a-z0-9_])?(\.[a-z0-9_]([-_a-z0-9]*[a-z0-9_])?)*\Z", re.ASCII)
_PORT_NAME = re.compile(r"(?!.*--)(?=.*[a-z])[a-z0-9]([-a-z0-9]*[a-z0-9])?\Z", re.ASCII)
_ENV_NAME = re.compile(r"[ -<>-~]+\Z")
_CONFIG_KEY = re.compile(r"[-._a-zA-Z0-9]+\Z", re.ASCII)
_HEADER = re.compile(r"[-A-Za-z0-9]+\Z", re.ASCII)
_DOMAIN_PATH = re.compile(r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+\Z", re.ASCII)


def text(good: Callable[[str], bool], what: str, *, empty: bool = True) -> Test:
    """Return a test of texts; an empty one is none at all, unless it is asked for."""

    def test(value: Any) -> Wrong:
        if isinstance(value, str) and (value or not empty) and not good(value):
            yield (), f"{shown(value)} is not {what}"

    return test


def is_dns_label(value: str) -> bool:
    """Tell whether a text is a DNS label as Kubernetes has it."""
    return len(value) <= 63 and bool(_DNS_LABEL.match(value))


def is_dns_name(value: str) -> bool:
    """Tell whether a text is a DNS subdomain as Kubernetes has it."""
    return len(value) <= 253 and bool(_DNS_NAME.match(value))


def is_qualified(value: str) -> bool:
    """Tell whether a text is a name with or without a DNS prefix: ``app``, ``example.com/app``."""
    prefix, slash, name = value.rpartition("/")
    return (not slash or is_dns_name(prefix)) and len(name) <= 63 and bool(_NAME_PART.match(name))


def is_label_value(value: str) -> bool:
    """Tell whether a text may be the value of a label."""
    return len(value) <= 63 and bool(_LABEL_VALUE.match(value))


def is_port_name(value: str) -> bool:
    """Tell whether a text may name a port."""
    return len(value) <= 15 and bool(_PORT_NAME.match(value))


def is_config_key(value: str) -> bool:
    """Tell whether a text may be a key of a ConfigMap or a Secret."""
    return len(value) <= 253 and bool(_CONFIG_KEY.match(value)) and not value.startswith("..") and value != "."


def _is_inner_path(value: str) -> bool:
    return not value.startswith(("/", "..")) and ".." not in value.split("/")


def _is_domain_path(value: str) -> bool:
    domain, slash, path = value.partition("/")
    return len(value) <= 250 and is_dns_name(domain) and bool(slash) and bool(path) and bool(_DOMAIN_PATH.match(path))


LABEL_NAME = "a name of at most 63 letters, digits, '-', '_' and '.', with or without a DNS prefix and '/'"

QUALIFIED = text(is_qualified, LABEL_NAME)
LABEL_KEY = text(is_qualified, LABEL_NAME, empty=False)
ANNOTATION_KEY = text(lambda value: is_qualified(value.lower()), LABEL_NAME, empty=False)
LABEL_VALUE = text(
    is_label_value, "at most 63 letters, digits, '-', '_' and '.', beginning and ending with one of the first two"
)
DNS_LABEL = text(is_dns_label, "a name of at most 63 small letters, digits and '-'")
DNS_1035 = text(
    lambda value: len(value) <= 63 and bool(_DNS_1035.match(value)),
    "a name of at most 63 small letters, digits and '-' that begins with a letter",
)
DNS_NAME = text(is_dns_name, "a name of at most 253 small letters, digits, '-' and '.'")
HOST = text(
    lambda value: is_dns_name(value.removeprefix("*.")), "a host name such as shop.example.com or *.example.com"
)
SEARCH = text(
    lambda value: value == "." or (len(value) <= 254 and bool(_UNDERSCORED.match(value.removesuffix(".")))), "a domain"
)
PATH_SEGMENT = text(
    lambda value: value not in {".", ".."} and not {"/", "%"} & set(value), "a name without '/' and '%'"
)
PORT_NAME = text(is_port_name, "a port name of at most 15 small letters, digits and single '-', with a letter in it")
ENV_NAME = text(lambda value: bool(_ENV_NAME.match(value)), "a name of printable characters without '='", empty=False)
CONFIG_KEY = text(is_config_key, "a key of at most 253 letters, digits, '-', '_' and '.'", empty=False)
HEADER = text(lambda value: bool(_HEADER.match(value)), "the name of an HTTP header", empty=False)
ADDRESS = text(is_ip, "an IP address", empty=False)
NETWORK = text(is_cidr, "a network such as 10.0.0.0/8", empty=False)
ABSOLUTE_PATH = text(lambda value: value.startswith("/"), "an absolute path")
INNER_PATH = text(_is_inner_path, "a relative path without '..'")
NO_BACKSTEPS = text(lambda value: ".." not in value.split("/"), "a path without '..'")
DOMAIN_PATH = text(_is_domain_path, "a path with a domain before it, such as example.com/controller")


def port_number_or_name(value: Any) -> Wrong:
    """Test the port of a probe or a Service: its number or its name."""
    if isinstance(value, bool):
        return
    if isinstance(value, int | float) and not 1 <= value <= 65535:
        yield (), f"{shown(value)} is not a port from 1 to 65535"
    elif isinstance(value, str) and not is_port_name(value):
        yield from text(is_port_name, "a port's number or name", empty=False)(value)


def is_inside(network: str, outer: str) -> bool:
    """Tell whether a network lies in another and is smaller."""
    try:
        one, other = ip_network(network, strict=False), ip_network(outer, strict=False)
    except ValueError:
        return True  # what is no network is said elsewhere
    return one.version == other.version and one.prefixlen > other.prefixlen and one.subnet_of(other)  # type: ignore[arg-type]
