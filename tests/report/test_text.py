"""The report for people, whole: it is short enough to be read here."""

from scaffold.model.manifest import Place
from scaffold.model.repo import External, NotChecked
from scaffold.model.rule import Severity
from scaffold.report import text
from scaffold.report.terminal import cells, fold, harmless
from tests.report.outcomes import CHART, KIND, finding, outcome


def test_a_clean_check_says_what_was_looked_at() -> None:
    assert text.render(outcome()) == (
        "0 errors, 0 warnings; 120 objects from 14 owners for 3 clusters, 9 chart renders, Kubernetes 1.37, 1.8 s; "
        "external: 0; not checked: 0"
    )


def test_findings_are_grouped_by_file_with_each_remedy_once() -> None:
    done = outcome(
        finding("b.yaml", 3, "no folder x"),
        finding("a.yaml", 12, "no folder y"),
        finding("a.yaml", 7, "too many spaces", severity=Severity.WARNING),
    )
    assert (
        text.render(done)
        == """\
a.yaml
   7  warning  YAML-02    too many spaces
  12  error    GITOPS-01  no folder y

b.yaml
   3  error    GITOPS-01  no folder x

How to fix
  GITOPS-01  Correct the path, or commit what it names.
  YAML-02    Follow the style, or change the rule in .yamllint.

2 errors, 1 warning; 120 objects from 14 owners for 3 clusters, 9 chart renders, Kubernetes 1.37, 1.8 s; \
external: 0; not checked: 0"""
    )


def test_one_template_rendered_for_several_environments_is_one_finding() -> None:
    done = outcome(
        *(finding("t.yaml", 2, "wrong", f"Application argocd/web-{env}, values {env}.yaml") for env in "abcdef")
    )
    shown = text.render(done)
    assert shown.startswith("""\
t.yaml
  2  error    GITOPS-01  wrong
                         as rendered for Application argocd/web-a, Application argocd/web-b, \
Application argocd/web-c and 3 more
""")
    assert "\n\n1 error, 0 warnings; " in shown


def test_a_finding_of_one_render_names_its_values() -> None:
    done = outcome(finding("t.yaml", 2, "wrong", "Application argocd/web-a, values a.yaml, b.yaml"))
    assert (
        "\n                         as rendered for Application argocd/web-a, values a.yaml, b.yaml\n"
        in text.render(done)
    )


def test_what_was_not_looked_at_is_said() -> None:
    done = outcome(
        external=(CHART, External(Place("platform/prod.yaml", 12), CHART.what)),
        not_checked=(KIND,),
    )
    assert text.render(done).startswith("""\
Not checked (a failure with --strict)
  Database (example.com/v1), 1 object: no schema is known of this kind (db.yaml:1)

Outside this repository, not looked into
  chart istiod 1.30.3 from https://charts.example.com (platform/dev.yaml:12 and 1 more)

0 errors, 0 warnings; """)
    assert text.render(done).endswith("external: 2; not checked: 1")
    assert text.render(done, strict=True).startswith("Not checked\n")


def test_many_places_are_counted() -> None:
    done = outcome(not_checked=tuple(NotChecked(Place(f"{name}.yaml"), "a plugin", "not run") for name in "abcdef"))
    assert "  a plugin: not run (a.yaml:1, b.yaml:1, c.yaml:1 and 3 more)\n" in text.render(done)


def test_nothing_to_apply_is_no_silent_success() -> None:
    assert "; nothing to apply was found in 90 files, " in text.render(outcome(objects=0))


def test_quiet_is_silent_where_there_is_no_reason_to_act() -> None:
    assert text.render(outcome(external=(CHART,)), quiet=True) == ""
    assert text.render(outcome(not_checked=(KIND,)), quiet=True).startswith("Not checked (a failure with --strict)\n")
    shown = text.render(outcome(finding("a.yaml", 1, "x"), external=(CHART,)), quiet=True)
    assert "istiod" not in shown
    assert shown.splitlines()[-1].startswith("1 error, 0 warnings; ")


def test_lines_are_folded_below_themselves() -> None:
    done = outcome(finding("a.yaml", 1, "one two three four five six seven"), not_checked=(KIND,), external=(CHART,))
    shown = text.render(done, width=40)
    assert shown.startswith("""\
a.yaml
  1  error    GITOPS-01  one two three
                         four five six
                         seven
""")
    assert all(len(line) <= 40 for line in shown.splitlines() if " " in line.strip())


def test_colour_changes_nothing_but_the_colour() -> None:
    done = outcome(
        finding("a.yaml", 1, "one two three", "Application argocd/web"), not_checked=(KIND,), external=(CHART,)
    )
    coloured = text.render(done, colour=True, width=60)
    assert "\033[31merror  \033[0m" in coloured
    plain = coloured
    for code in ("0", "1", "2", "31", "32", "33", "36", "1;31", "1;33"):
        plain = plain.replace(f"\033[{code}m", "")
    assert plain == text.render(done, width=60)


def test_text_from_files_is_never_obeyed_by_the_terminal() -> None:
    done = outcome(
        finding("a\x1b[2J.yaml", 1, "value \x07\x1b]0;title\x07 \u202egnp.exe", "values b\n.yaml"),
        external=(External(Place("a.yaml"), "chart \x1b[31m"),),
        not_checked=(NotChecked(Place("a.yaml"), "x\r", "y\x9b"),),
    )
    shown = text.render(done)
    assert not set("\x1b\x07\r\x9b\u202e") & set(shown)
    assert "value \\x07\\x1b]0;title\\x07 \\u202egnp.exe" in shown


def test_wide_characters_take_two_columns() -> None:
    assert cells("语言ab") == 6
    assert fold("语言 语言 语言", 9, 0) == "语言 语言\n语言"
    assert fold("a-word-that-is-longer-than-the-line b", 10, 2) == "a-word-that-is-longer-than-the-line\n  b"
    assert harmless("Größe 语言 🚀") == "Größe 语言 🚀"
