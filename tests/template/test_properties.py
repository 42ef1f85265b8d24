"""Any answers that are accepted give a sound repository: valid YAML, inside the destination, the text unchanged."""

import re
import shutil
import tempfile
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from scaffold.engines import disk
from scaffold.model.errors import BadInput
from scaffold.model.repo import Repo
from tests.template.rendering import make

LABEL = st.from_regex(r"\A[a-z]([-a-z0-9]{0,12}[a-z0-9])?\Z")
NASTY = [
    'say "hi" and \'bye\'', "{{ .Values.x }}", "#{ name }#", "#% if %#", "#| no comment |#", "a\nb\n\nc", "---", "--- \n...",
    "- a", "key: value", "# heading", "* x", "> quote", "`code`", "| pipe |", "<b>bold</b>", "&amp;", "$HOME ${x} $(y)",
    "emoji 🚀 und Umlaut äöü", "订单服务：处理所有订单", "\\n \\ \\\\", "%YAML 1.2", "!!python/object", "*alias &anchor", "yes", "null",
    " leading and trailing ", "tab\there", "x" * 400, "word " * 60, "[link](http://example.com)", "1. one", "a\n===\nb",
]
PRINTABLE = st.text(st.characters(exclude_categories=("C", "Zl", "Zp")), min_size=1, max_size=120)
TEXT = st.one_of(st.sampled_from(NASTY), PRINTABLE)


@st.composite
def answers(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(st.lists(LABEL.filter(lambda name: name not in {"base", "common"}), min_size=1, max_size=3, unique=True))
    environments = [
        {"name": name, "cluster": f"c{index}-{name}"[:20].rstrip("-"), "server": f"https://{index}.example.com:6443", "region": "eu-1"}
        for index, name in enumerate(names)
    ]
    kind = draw(st.sampled_from(["web", "worker", "cron"]))
    mesh = draw(st.sampled_from(["istio", "none"]))
    chosen: dict[str, Any] = {
        "description": draw(TEXT),
        "engine": draw(st.sampled_from(["argocd", "flux"])),
        "environments": environments,
        "language": draw(st.sampled_from(["en", "zh"])),
        "owner_team": draw(LABEL),
        "mesh": mesh,
        "policy": draw(st.sampled_from(["kyverno", "none"])),
        "metrics": draw(st.sampled_from(["prometheus", "none"])),
        "backup": draw(st.sampled_from(["velero", "none"])),
        "secrets": draw(st.sampled_from(["external-secrets", "none"])),
        "ci": draw(st.sampled_from(["github", "gitlab", "none"])),
        "service": draw(LABEL),
        "kind": kind,
        "args": draw(st.lists(TEXT, max_size=2)),
    }
    if kind == "web":
        chosen["grpc_port"] = draw(st.sampled_from([0, 9999]))
        if mesh == "istio":
            chosen["public_host"] = draw(st.one_of(st.just(""), LABEL))
            subsets = draw(st.sampled_from(["none", "weight", "header"]))
            if subsets == "weight":
                chosen["subsets"] = [{"name": "canary", "weight": draw(st.integers(0, 100))}]
            if subsets == "header":
                value = draw(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=40))
                chosen["subsets"] = [{"name": "beta", "header": "x-user-type", "value": value}]
    if kind != "cron" and draw(st.booleans()):
        chosen["replicas"] = {name: {"min": 1, "max": 1} for name in names}
        chosen["volume_size"] = "1Gi"
    return chosen


# Without shrinking: each example is a whole repository, and a failing one is small enough to read.
@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(answers())
def test_accepted_answers_give_a_sound_repository(chosen: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "here" / "repo"
        folder.parent.mkdir()
        made = make(folder, chosen, name="shop")
        assert {path.name for path in folder.parent.iterdir()} == {"repo", "repo.answers.yml"}
        shutil.rmtree(folder / ".git")
        texts, unread = disk.read_tree(folder)
        assert unread == []
        repo = Repo.of("", texts)
        assert repo.syntax_faults == ()
        assert [path for path, text in texts.items() if re.search(r"#[{%|]|[}%|]#", text) and path not in recorded(texts, chosen)] == []
        [catalog, *_] = repo.documents("catalog-info.yaml")
        assert catalog.data["metadata"]["description"] == chosen["description"]
        assert made.answers["description"] == chosen["description"]
        folder_of_service = "apps/base" if chosen["engine"] == "flux" else "services"
        [values, *_] = repo.documents(f"{folder_of_service}/{chosen['service']}/values.yaml")
        assert values.data.get("args", []) == chosen["args"]
        assert squeezed(chosen["description"]) in squeezed(shown(texts["README.md"]))


def recorded(texts: dict[str, str], chosen: dict[str, Any]) -> set[str]:
    """Return the files in which such characters are the person's own."""
    own = [chosen["description"], *chosen["args"], *(item.get("value", "") for item in chosen.get("subsets", []))]
    if any(re.search(r"#[{%|]|[}%|]#", text) for text in own):
        return set(texts)
    return set()


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def shown(markdown: str) -> str:
    """Return what a reader of a Markdown page sees."""
    parser = _Text()
    parser.feed(MarkdownIt().render(markdown))
    return "".join(parser.parts)


def squeezed(text: str) -> str:
    return " ".join(text.split())


@settings(max_examples=15, deadline=None)
@given(TEXT.filter(lambda text: not re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", text)))
def test_a_name_that_is_no_label_never_touches_the_disk(name: str) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        with pytest.raises(BadInput):
            make(Path(scratch) / "repo", name=name)
        assert list(Path(scratch).iterdir()) == []
