"""The stream of manifests: it is read back as what it was, by any reader of YAML."""

import json
import math
import subprocess

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from scaffold.model.manifest import Manifest, Origin
from scaffold.model.yamltext import parse
from scaffold.report.manifests import document, stream

TRICKY = [
    "", " ", "~", "null", "Null", "yes", "No", "on", "Off", "y", "N", "true", "False", "1", "-1", "+1", "1.0", ".5",
    "1e3", "0x10", "0b11", "0o7", "012", "1_000", "12:30", "2001-01-01", ".inf", "NaN", "<<", "=", "-", "- a", "? a",
    "a: b",
    "a:", "a #b", "#a", "&a", "*a", "!a", "%a", "@a", "`a", "{a}", "[a]", "|", ">", "'a'", '"a"', "a\\b", "---", "...",
    "a\n", "\n", "a\n\n", "a\nb", " a\nb", "\ta\nb\n", "a\n  b\n", "a \nb\n", "a\n \nb", "a\n---\nb\n", "# a\nb\n",
    "\r\n", "a\tb", "\x1b[2J", "\x7f", "\x85", "a\u2028b", "\ufeffa", "Größe", "语言\n语言\n", "🚀", "x" * 1100,
]  # fmt: skip
TEXT = st.one_of(st.sampled_from(TRICKY), st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
VALUE = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=10,
)


@given(st.dictionaries(TEXT, VALUE, min_size=1, max_size=4))
def test_every_value_is_read_back_as_it_is(data: dict[str, object]) -> None:
    documents, faults = parse(document(data))
    assert not faults
    assert [repr(one.data) for one in documents] == [repr(data)]


def test_a_number_that_is_none_is_written_as_yaml_has_it() -> None:
    assert document({"a": math.nan, "b": math.inf, "c": -math.inf}) == "a: .nan\nb: .inf\nc: -.inf\n"


@pytest.mark.parametrize("text", [text for text in TRICKY if text])
def test_pyyaml_reads_every_text_as_text(text: str) -> None:
    assert yaml.safe_load(document({"a": text, "b": [text]})) == {"a": text, "b": [text]}


def test_it_looks_as_a_person_would_write_it() -> None:
    data = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "web", "labels": {"version": "1.10"}, "annotations": {}},
        "data": {"a.sh": "#!/bin/sh\nexec web\n", "note": "no newline\nat the end", "on": "yes"},
        "list": [{"name": "a", "args": ["-c", "echo hello"]}, [], [1, [2]], None],
    }
    assert (
        document(data)
        == """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: web
  labels:
    version: "1.10"
  annotations: {}
data:
  a.sh: |
    #!/bin/sh
    exec web
  note: |-
    no newline
    at the end
  "on": "yes"
list:
  - name: a
    args:
      - "-c"
      - echo hello
  - []
  - - 1
    - - 2
  - null
"""
    )


def test_what_is_used_twice_is_written_twice() -> None:
    shared = {"app": "web"}
    assert document({"a": shared, "b": shared}) == "a:\n  app: web\nb:\n  app: web\n"


def manifest(name: str, namespace: str = "", **origin: object) -> Manifest:
    data = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": {"a": "b"}}}
    return Manifest(data, Origin("a.yaml", 3, **origin), cluster="dev", namespace=namespace)  # type: ignore[arg-type]


def test_every_document_says_where_it_comes_from_and_goes_to() -> None:
    chart = manifest("web", owner="Application argocd/web-dev", chart="charts/web", values=("dev.yaml", "version.yaml"))
    assert (
        stream([chart, manifest("plain\n")])
        == """\
---
# a.yaml, values dev.yaml, version.yaml, by Application argocd/web-dev, to cluster dev
apiVersion: v1
kind: ConfigMap
metadata:
  name: web
  labels:
    a: b
---
# a.yaml:3, to cluster dev
apiVersion: v1
kind: ConfigMap
metadata:
  name: |
    plain
  labels:
    a: b
"""
    )
    assert stream([]) == ""


def test_the_namespace_of_the_delivery_is_written_down() -> None:
    (written,) = yaml.safe_load_all(stream([manifest("web", "shop")]))
    assert list(written["metadata"].items()) == [("name", "web"), ("namespace", "shop"), ("labels", {"a": "b"})]


def test_a_comment_is_one_line_whatever_a_file_is_called() -> None:
    odd = Manifest({"a": 1}, Origin("a\nkind: Evil\r.yaml"))
    assert stream([odd]) == "---\n# a\\nkind: Evil\\r.yaml:1\na: 1\n"


@pytest.mark.tool("kubectl")
def test_kubectl_reads_every_text_as_text() -> None:
    data = {f"key-{number}": text for number, text in enumerate(TRICKY)}
    written = stream(
        [Manifest({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": data}, Origin("a"))]
    )
    # --local: nothing asks a server.
    argv = ["kubectl", "label", "--local", "-o", "json", "-f", "-", "a=b"]
    done = subprocess.run(argv, input=written, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["data"] == data
