"""The page: whole in itself, findings in place, nothing of a file's text obeyed by a browser."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from scaffold.commands.ahead import Options, begun
from scaffold.commands.check import check
from scaffold.commands.new import Wanted, new
from scaffold.report import html

VOID = {"meta", "br", "hr", "link", "img", "input", "path", "rect"}


class Page(HTMLParser):
    """A page read strictly: every element is closed in order; what it links to and what can be linked to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: set[str] = set()
        self.links: set[str] = set()
        self.sources: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        given = dict(attrs)
        self.ids |= {given["id"] or ""} if "id" in given else set()
        self.links |= {given["href"] or ""} if "href" in given else set()
        self.sources += [name for name in given if name in {"src", "srcset", "action"} or name.startswith("on")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        del attrs


def page(root: Path) -> str:
    with begun(root, Options(outline=True)) as repository:
        return html.render(check(repository), strict=True)


@pytest.fixture(scope="module", params=["argocd", "flux"])
def root(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page") / "shop"
    new("shop", folder, Wanted(preset="standard", pairs=(f"engine={request.param}",), defaults=True))
    return folder


def test_a_page_is_whole_in_itself_and_every_link_leads_somewhere(root: Path) -> None:
    text = page(root)
    read = Page(text)
    assert read.sources == []
    assert "script" not in read.tags
    assert {link.removeprefix("#") for link in read.links} <= read.ids
    assert all(link.startswith("#") for link in read.links)
    assert not re.search(r"url\(|@import", text)


def test_environments_stand_side_by_side_and_what_differs_is_marked(root: Path) -> None:
    text = page(root)
    head = re.search(r"<thead><tr><th scope=\"col\">workload.*?</tr>", text)
    assert head
    assert re.findall(r">(dev|staging|prod)<", head[0]) == ["dev", "prod", "staging"]
    rows = re.findall(r"<tr( class=\"differs\")?><td>Deployment shop/shop</td><td>(\w+)</td>", text)
    assert (' class="differs"', "replicas") in rows
    assert ("", "image") in rows


def test_the_picture_leads_from_the_entry_point_to_the_route(root: Path) -> None:
    text = page(root)
    pictures = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    assert len(pictures) == 3
    for picture in pictures:
        heads = re.findall(r'class="head"[^>]*>([^<]+)<', picture)
        assert heads == ["entry point", "application", "workload", "service", "route"]
        assert picture.count("<path ") >= 4


def test_owners_hang_on_what_brings_them(root: Path) -> None:
    depths = [int(depth) for depth in re.findall(r'<td style="padding-left: (\d+)px">', page(root))]
    assert depths[0] == 10
    assert max(depths) >= 10 + 2 * 22


def test_a_finding_is_shown_in_place_and_its_text_is_only_text(tmp_path: Path) -> None:
    nasty = "<script>alert(1)</script>"
    lines = [
        "---",
        "apiVersion: v1",
        "kind: ConfigMap",
        "metadata:",
        f'  name: "{nasty}"',
        f"  # {nasty} \u202e",
        "dato: {}",
    ]
    (tmp_path / "a&b.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    text = page(tmp_path)
    Page(text)
    assert "<script" not in text
    assert "\u202e" not in text
    assert '<span class="here"><i>7</i>dato: {}</span>' in text
    assert "&lt;script&gt;" in text
    assert '<h3 id="file-a&amp;b.yaml">' in text


def test_what_could_not_be_checked_is_on_the_page(tmp_path: Path) -> None:
    text = "---\napiVersion: db.example.com/v1\nkind: Database\nmetadata:\n  name: a\n"
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    assert "no schema is known of this kind" in page(tmp_path)
