"""Formats: what the server's Go code reads, and what it does not."""

import pytest

from scaffold.facts.formats import BUILTIN, CUSTOM, is_quantity, matcher

GOOD = {
    "date-time": [
        "2026-01-31T12:00:00Z",
        "2026-01-31t12:00:00.5z",
        "2024-02-29T23:59:59+02:00",
        "0000-01-01T00:00:00Z",
    ],
    "date": ["2026-01-31", "2024-02-29"],
    "duration": ["0", "1h30m", "-1.5h", ".5s", "300ms", "5 minutes", "2 days", "1w", "1h and 3 sec", "P1D"],
    "byte": ["aGVsbG8=", "aGVsbG9v"],
    "ipv4": ["10.0.0.1", "010.000.00.1"],
    "ipv6": ["::1", "2001:db8::1", "::ffff:10.0.0.1"],
    "cidr": ["10.0.0.0/8", "::/0", "2001:db8::/128"],
    "uuid": ["123e4567-e89b-12d3-a456-426614174000", "123E4567E89B12D3A456426614174000"],
    "k8s-short-name": ["a", "a-b", "a" * 63],
    "k8s-long-name": ["a.b-c.d", "a" * 253],
}
BAD = {
    "date-time": [
        "",
        "2026-01-31",
        "2026-02-30T12:00:00Z",
        "2026-01-31 12:00:00Z",
        "2026-01-31T24:00:00Z",
        "2026-01-31T12:00:00",
    ],
    "date": ["2026-1-31", "2023-02-29", "2026-01-31Z", ""],
    "duration": ["", "1", "h", "1x", "one hour"],
    "byte": ["", "aGVsbG8", "aGVs bG8=", "-_-_"],
    "ipv4": ["10.0.0", "10.0.0.256", "10.0.0.1/8", "a.b.c.d", "10..0.1"],
    "ipv6": ["10.0.0.1", ":::1", "fe80::1%eth0", ""],
    "cidr": ["10.0.0.0", "10.0.0.0/33", "10.0.0.0/", "x/8", "10.0.0.0/-1", "10.0.0.0/²"],
    "uuid": ["123e4567", "123e4567-e89b-12d3-a456-42661417400g"],
    "k8s-short-name": ["", "A", "-a", "a-", "a" * 64, "a.b"],
    "k8s-long-name": ["", "a..b", "A.b", "a" * 254],
}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in GOOD.items() for text in texts])
def test_a_custom_resource_takes(name: str, text: str) -> None:
    assert CUSTOM[name][0](text)


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in BAD.items() for text in texts])
def test_a_custom_resource_refuses(name: str, text: str) -> None:
    assert not CUSTOM[name][0](text)
    assert not CUSTOM[name][0](f"{text}\n")


def test_every_format_of_custom_resources_has_examples() -> None:
    assert GOOD.keys() == BAD.keys() == CUSTOM.keys() - {"datetime"}


def test_kubernetes_own_times_are_stricter_and_its_base64_looser() -> None:
    time, micro, byte = (BUILTIN[name][0] for name in ("date-time", "micro-time", "byte"))
    assert time("2026-01-31T12:00:00Z")
    assert time("2026-01-31T3:00:00,5+24:60")
    assert not time("2026-01-31t12:00:00z")
    assert not time("")
    assert micro("2026-01-31T12:00:00.000000Z")
    assert not micro("2026-01-31T12:00:00Z")
    assert not micro("2026-01-31T12:00:00.0000000Z")
    assert byte("")
    assert byte("aGVs\nbG8=\r\n")
    assert not byte("aGVsbG8")


@pytest.mark.parametrize("value", ["Gi", "m", "+", ".", "1.", " 1 ", "1e+3", 1, 0.5, "1E"])
def test_quantities(value: object) -> None:
    assert is_quantity(value)


@pytest.mark.parametrize("value", ["", " ", "1\n", "1e", "١", "0x1", "NaN", None, True, [], {}])
def test_no_quantities(value: object) -> None:
    assert not is_quantity(value)


def test_patterns_are_those_of_re2() -> None:
    assert matcher("^a$")("a")
    assert not matcher("^a$")("a\n")
    assert matcher("b")("abc")
    assert matcher("^(?i)abort$")("ABORT")
    assert not matcher(r"^\d$")("١")
    assert matcher("(a")("a pattern that is none matches everything")
