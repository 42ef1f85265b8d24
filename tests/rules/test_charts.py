"""Charts: what Helm said, and what a schema lets through."""

import json

from scaffold.model.hit import Hit
from scaffold.model.manifest import Place
from scaffold.model.repo import Chart, Repo
from tests.helpers import URL, applied, dedented, found, hits

PLACE = Place("app.yaml", 7)
REFUSED = "values don't meet the specifications of the schema(s) in the following chart(s): "
FILES = {
    "charts/web/Chart.yaml": "name: web\nversion: 1.0.0\n",
    "charts/web/values.yaml": "replicas: 1\nsub:\n  port: 1\n",
    "dev.yaml": "replicas: two\nimage:\n  tga: '1'\n",
    "prod.yaml": "image:\n  tag: 1\n",
}


def refused(*texts: str, lint: tuple[Hit, ...] = ()) -> Repo:
    faults = tuple(Hit(PLACE, text, "Application argocd/web") for text in texts)
    chart = Chart("charts/web", "web", "shop", ("dev.yaml", "prod.yaml"), "Application argocd/web", PLACE, faults, lint)
    return Repo.of(URL, FILES).with_(charts=(chart,))


def test_each_refused_value_is_shown_where_it_is_set() -> None:
    said = (
        "web: - at '': missing property 'host' - at '/replicas': got string, want integer "
        "- at '/image': validation failed - at '/image/tag': got number, want string "
        "- at '/image': additional properties 'tga' not allowed sub: - at '/port': minimum: got 1, want 1024"
    )
    assert found("HELM-02", refused(REFUSED + said)) == [
        "app.yaml:7 values: missing property 'host'",
        "charts/web/values.yaml:3 sub.port: minimum: got 1, want 1024",
        "dev.yaml:1 replicas: got string, want integer",
        "dev.yaml:3 image.tga: the chart has no such value",
        "prod.yaml:2 image.tag: got number, want string",
    ]


def test_the_order_helm_says_it_in_does_not_matter() -> None:
    one = REFUSED + "web: - at '/replicas': got string, want integer - at '/replicas': 'oneOf' failed, none matched"
    other = REFUSED + "web: - at '/replicas': 'oneOf' failed, none matched - at '/replicas': got string, want integer"
    assert (
        found("HELM-02", refused(one))
        == found("HELM-02", refused(other))
        == ["dev.yaml:1 replicas: 'oneOf' failed, none matched; got string, want integer"]
    )


def test_another_fault_is_shown_as_helm_says_it() -> None:
    said = "execution error at (web/templates/a.yaml:1:4): a host is needed"
    assert found("HELM-02", refused(said)) == [f"app.yaml:7 {said}"]


def test_a_schema_that_is_none_is_shown_in_its_file() -> None:
    said = "web: \"file:///values.schema.json#\" is not valid against metaschema: at '/type': value must be one of"
    assert found("HELM-02", refused(REFUSED + said)) == [
        "charts/web/values.schema.json:1 no JSON schema: at '/type': value must be one of"
    ]


def test_lint_of_a_chart_that_does_not_render_says_nothing_new() -> None:
    lint = (Hit(Place("charts/web/Chart.yaml"), "version is no SemVer"),)
    assert found("HELM-00", refused(lint=lint)) == ["charts/web/Chart.yaml:1 version is no SemVer"]
    assert found("HELM-00", refused("it does not render", lint=lint)) == []


def test_what_follows_from_values_that_are_no_yaml_is_not_said() -> None:
    repo = refused(REFUSED + "web: - at '/replicas': got string, want integer")
    broken = Repo.of(URL, {**FILES, "prod.yaml": "a: [\n"}).with_(charts=repo.charts)
    assert found("HELM-02", broken) == []


def test_what_follows_from_a_missing_values_file_is_not_said() -> None:
    app = f"""\
        apiVersion: argoproj.io/v1alpha1
        kind: Application
        metadata: {{name: web, namespace: argocd}}
        spec: {{source: {{repoURL: {URL}, path: charts/web, helm: {{valueFiles: [gone.yaml]}}}}}}
    """
    repo = applied({**FILES, "app.yaml": app}).with_(charts=refused("a host is needed").charts)
    assert found("HELM-02", repo) == []
    assert len(found("GITOPS-01", repo)) == 1


def test_what_the_controllers_do_themselves_is_no_complaint() -> None:
    lint = (
        Hit(Place("charts/web"), "chart directory is missing these dependencies: redis"),
        Hit(Place("charts/web/templates"), "directory does not exist"),
        Hit(Place("charts/web/templates"), "something else of a folder"),
    )
    assert found("HELM-00", refused(lint=lint)) == ["charts/web/Chart.yaml:1 something else of a folder"]


def schema(text: object) -> list[str]:
    written = text if isinstance(text, str) else json.dumps(text, indent=2)
    files = dedented({"charts/web/Chart.yaml": "name: web", "charts/web/values.schema.json": written})
    return [line.removeprefix("charts/web/values.schema.json:") for line in hits("HELM-02", files)]


CLOSED = {"type": "object", "additionalProperties": False}


def test_an_object_with_properties_is_closed() -> None:
    assert schema({**CLOSED, "properties": {"a": {"type": "string"}}}) == []
    assert schema({"type": "object"}) == ["1 the root takes unknown keys"]
    assert schema({"additionalProperties": True}) == ["2 the root takes unknown keys"]
    nested = {**CLOSED, "properties": {"image": {"type": "object", "properties": {"tag": {}}}}}
    assert schema(nested) == ["5 image takes unknown keys"]


def test_what_is_open_on_purpose_or_has_to_be_is_fine() -> None:
    for image in (
        {"type": "object"},
        {"type": "object", "additionalProperties": {"type": "string"}, "properties": {"a": {}}},
        {"type": "object", "additionalProperties": True, "properties": {"a": {}}},
        {"allOf": [{"properties": {"a": {}}}], "unevaluatedProperties": False},
        {"if": {"properties": {"a": {"const": 1}}}, "then": {"properties": {"b": {}}}},
    ):
        assert schema({**CLOSED, "properties": {"image": image}}) == []


def test_lists_maps_and_references_are_followed() -> None:
    open_item = {"type": "object", "properties": {"a": {}}}
    for image, where in (
        ({"type": "array", "items": open_item}, "image[]"),
        ({"type": "object", "additionalProperties": open_item}, "image[]"),
        ({"$ref": "#/definitions/item"}, "image"),
    ):
        (text,) = schema({**CLOSED, "properties": {"image": image}, "definitions": {"item": open_item}})
        assert text.endswith(f" {where} takes unknown keys")


def test_a_schema_that_refers_to_itself_ends() -> None:
    tree = {"type": "object", "additionalProperties": False, "properties": {"child": {"$ref": "#"}}}
    assert schema(tree) == []


def test_no_schema_is_fetched() -> None:
    def fetched(reference: object, identity: str = "") -> list[str]:
        base = {"$id": identity} if identity else {}
        return schema({**base, **CLOSED, "properties": {"a": {"$ref": reference}}})

    assert fetched("https://example.com/x.json") == ["6 $ref https://example.com/x.json is fetched from the network"]
    assert fetched("x.json", "https://example.com/y.json") == ["7 $ref x.json is fetched from the network"]
    assert fetched("x.json") == fetched("#/definitions/x") == []
    assert schema({**CLOSED, "properties": {"$ref": {"type": "string"}}}) == []


def test_a_schema_that_is_no_json() -> None:
    (text,) = schema('{\n  "type": object\n}')
    assert text.startswith("2 no JSON: Expecting value")


def test_vendored_subcharts_are_not_ours() -> None:
    files = {
        "charts/web/Chart.yaml": "name: web",
        "charts/web/charts/sub/Chart.yaml": "name: sub",
        "charts/web/charts/sub/values.schema.json": "{}",
    }
    assert hits("HELM-02", files) == []
