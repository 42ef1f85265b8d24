"""What a build makes; that it is what kustomize makes is shown in test_kustomize_parity."""

import pytest

from scaffold.expand.kustomization import KustomizeError, closure
from scaffold.expand.kustomize import MAX_FOLDERS, build
from scaffold.expand.resources import content_hash
from scaffold.model.manifest import Place
from scaffold.model.repo import Repo
from tests.expand.support import files, named


def made(texts: dict[str, str], folder: str = "k", **more: object) -> list[str]:
    built = build(Repo.of("", files(texts)), folder, **more)  # type: ignore[arg-type]
    return [f"{m} @ {m.origin.path}:{m.origin.line}" for m in built.manifests]


def refusal(texts: dict[str, str], folder: str = "k") -> str:
    with pytest.raises(KustomizeError) as caught:
        build(Repo.of("", files(texts)), folder)
    return f"{caught.value.place} {caught.value.text}"


def test_names_of_generated_config_maps_end_in_the_hash_of_their_content() -> None:
    texts = {"k/kustomization.yaml": "configMapGenerator:\n  - name: cm\n    literals: [a=b]\n  - name: empty\n"}
    assert made(texts) == [
        "ConfigMap cm-4h2mbtbbt6 @ k/kustomization.yaml:2",
        "ConfigMap empty-6ct58987ht @ k/kustomization.yaml:4",
    ]


@pytest.mark.parametrize(
    ("text", "suffix"), [("x <y> & z\n", "g7gg947dt4"), ("é 中文 🎉\n", "bk52k44mg9"), ("\u2028\n", "924hk99bb9")]
)
def test_the_hash_is_of_gos_json(text: str, suffix: str) -> None:
    assert content_hash({"kind": "ConfigMap", "metadata": {"name": "n"}, "data": {"k": text}}) == suffix


def test_references_follow_the_hash_by_kind_and_by_configuration() -> None:
    texts = {
        "k/kustomization.yaml": "resources: [a.yaml]\nconfigurations: [c.yaml]\nconfigMapGenerator:\n"
                                "  - {name: cm, literals: [a=b]}\n",
        "k/c.yaml": "nameReference:\n  - {kind: ConfigMap, fieldSpecs: [{path: spec/from/name, kind: Thing}]}\n",
        "k/a.yaml": """\
            apiVersion: v1
            kind: Pod
            metadata: {name: pod}
            spec:
              containers: [{name: c, envFrom: [{configMapRef: {name: cm}}, {configMapRef: {name: other}}]}]
            ---
            apiVersion: x/v1
            kind: Thing
            metadata: {name: thing}
            spec: {from: [{name: cm}], to: [{name: cm}]}
            """,
    }  # fmt: skip
    pod, thing, _ = build(Repo.of("", files(texts)), "k").manifests
    assert pod.get("spec", "containers", 0, "envFrom") == [
        {"configMapRef": {"name": "cm-4h2mbtbbt6"}}, {"configMapRef": {"name": "other"}}
    ]  # fmt: skip
    assert thing.data["spec"] == {"from": [{"name": "cm-4h2mbtbbt6"}], "to": [{"name": "cm"}]}


def test_a_build_says_which_file_a_key_was_made_of() -> None:
    texts = {"k/kustomization.yaml": "namespace: ns\nconfigMapGenerator:\n  - name: cm\n"
                                     "    files: [v.yaml, x=d/w.yaml]\n"
                                     "    options: {disableNameSuffixHash: true, labels: {a: b}}\n",
             "k/v.yaml": "1", "k/d/w.yaml": "2"}  # fmt: skip
    built = build(Repo.of("", texts), "k")
    assert built.texts == {("ns", "cm", "v.yaml"): "k/v.yaml", ("ns", "cm", "x"): "k/d/w.yaml"}
    assert built.manifests[0].labels == {"a": "b"}
    assert built.reached == set(texts)


def test_lines_stay_where_a_patch_did_not_write() -> None:
    texts = {
        "k/kustomization.yaml": "resources: [a.yaml]\npatches:\n  - target: {kind: ConfigMap}\n    patch: |-\n"
                                "      - {op: replace, path: /data/b, value: new}\n",
        "k/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  a: old\n  b: old\n",
    }  # fmt: skip
    (manifest,) = build(Repo.of("", texts), "k").manifests
    assert manifest.data["data"] == {"a": "old", "b": "new"}
    assert manifest.place("data", "a") == Place("k/a.yaml", 6)
    assert manifest.place("data", "b") == Place("k/a.yaml", 5)


def test_the_base_itself_is_not_changed_by_a_build() -> None:
    texts = {"k/kustomization.yaml": "resources: [a.yaml]\nnamespace: n\n", "k/a.yaml": named("a")}
    repo = Repo.of("", texts)
    build(repo, "k")
    assert repo.raw[0].get("metadata", "namespace") is None


def test_every_field_that_is_not_evaluated_is_named_and_its_files_are_reached() -> None:
    texts = {
        "k/kustomization.yaml": "resources: [a.yaml]\nnamePrefix: x-\nimages: [{name: a, newTag: b1}]\nreplicas: []\n"
                                "patchesStrategicMerge:\n  - p.yaml\nsecretGenerator: [{name: s, files: [s.txt]}]\n"
                                "configurations: [c.yaml]\n",
        "k/a.yaml": named("a"), "k/p.yaml": named("a"), "k/s.txt": "x", "k/c.yaml": "images: []\n",
    }  # fmt: skip
    built = build(Repo.of("", texts), "k")
    assert [f"{note.place} {note.reason}" for note in built.not_checked] == [
        "k/kustomization.yaml:2 kustomize field `namePrefix` is not evaluated",
        "k/kustomization.yaml:3 kustomize field `images` is not evaluated",
        "k/kustomization.yaml:5 kustomize field `patchesStrategicMerge` is not evaluated",
        "k/kustomization.yaml:7 kustomize field `secretGenerator` is not evaluated",
        "k/c.yaml:1 kustomize configuration `images` is not evaluated",
    ]
    assert built.reached == set(texts)
    assert closure(Repo.of("", texts), "k") == set(texts)


def test_remote_bases_are_external() -> None:
    texts = {"k/kustomization.yaml": "resources:\n  - https://github.com/x/y//z?ref=v1\n  - github.com/x/y\n"}
    assert [one.what for one in build(Repo.of("", texts), "k").external] == [
        "kustomize resource https://github.com/x/y//z?ref=v1", "kustomize resource github.com/x/y"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("resources: [gone.yaml]", "k/kustomization.yaml:1 no file or folder gone.yaml"),
        ("resources: [../..]", "k/kustomization.yaml:1 no file or folder ../.."),
        ("resources: [..]", "k/kustomization.yaml:1 cycle: .. leads back to the root"),
        ("resources: [../other.yaml]",
         "k/kustomization.yaml:1 other.yaml is not in or below k: kustomize refuses to read it"),
        ("resources: a.yaml", "k/kustomization.yaml:1 resources is not a list"),
        ("resources: [a.yaml, a.yaml]", "k/a.yaml:1 ConfigMap a is in the same build twice, first in k/a.yaml:1"),
        ("resources: [list.yaml]", "k/list.yaml:1 a document that is no Kubernetes object"),
        ("resources: [nameless.yaml]", "k/nameless.yaml:1 Pod without metadata.name"),
        ("resources: [sub]", "k/kustomization.yaml:1 no kustomization.yaml in k/sub"),
        ("ressources: []", "k/kustomization.yaml:1 unknown kustomization field ressources"),
        ("{}", "k/kustomization.yaml:1 k/kustomization.yaml is empty"),
        ("", "k/kustomization.yaml:1 k/kustomization.yaml is empty or no map"),
        ("components: [../lib]", "k/kustomization.yaml:1 ../lib is no Component"),
        ("configMapGenerator: [{name: x, files: [gone]}]", "k/kustomization.yaml:1 no file gone"),
        ("configMapGenerator: [{literals: [a=b]}]", "k/kustomization.yaml:1 a configMapGenerator needs a name"),
        ("configMapGenerator: [{name: x, literals: [a=b, a=c]}]",
         "k/kustomization.yaml:1 ConfigMap x repeats the key a"),
        ("configMapGenerator: [{name: x, behavior: merge}]",
         "k/kustomization.yaml:1 ConfigMap x does not exist: nothing to merge"),
        ("resources: [a.yaml]\npatches: [{patch: '[{op: remove, path: /spec}]', target: {kind: ConfigMap}}]",
         "k/kustomization.yaml:2 patch of ConfigMap a: remove /spec: no such path"),
        ("resources: [a.yaml]\npatches: [{patch: '[{op: remove, path: /spec}]'}]",
         "k/kustomization.yaml:2 a JSON patch needs a target"),
        ("resources: [a.yaml]\npatches: [{patch: '[', target: {kind: ConfigMap}}]",
         "k/kustomization.yaml:2 the patch is no YAML: did not find expected node content while parsing a flow node"),
        ("resources: [a.yaml]\npatches: [{patch: '[{op: test}]', target: {name: '('}}]",
         "k/kustomization.yaml:2 target is no regular expression: missing ), unterminated subpattern at position 0"),
    ],
)  # fmt: skip
def test_what_kustomize_refuses_is_said_at_its_line(text: str, said: str) -> None:
    assert refusal({
        "k/kustomization.yaml": text, "k/a.yaml": named("a"), "k/list.yaml": "- a\n", "other.yaml": named("o"),
        "k/nameless.yaml": "kind: Pod\n", "k/sub/x.yaml": named("x"),
        "lib/kustomization.yaml": "resources: [x.yaml]\n", "lib/x.yaml": named("x"),
    }) == said  # fmt: skip


def test_two_kustomization_files_are_refused() -> None:
    texts = {"k/kustomization.yaml": "resources: []\n", "k/Kustomization": "resources: []\n"}
    assert refusal(texts) == "k/Kustomization:1 several kustomization files in k: k/kustomization.yaml, k/Kustomization"


def test_cycles_end() -> None:
    texts = {"k/kustomization.yaml": "resources: [../l]\n", "l/kustomization.yaml": "resources: [../k]\n"}
    assert refusal(texts) == "l/kustomization.yaml:1 cycle: ../k leads back to k"


def test_folders_that_name_each_other_twice_end() -> None:
    texts = {}
    for level in range(30):
        for name in "kl":
            texts[f"{name}{level}/kustomization.yaml"] = f"resources: [../k{level + 1}, ../l{level + 1}]\n"
    texts |= {"k30/kustomization.yaml": "namespace: x\n", "l30/kustomization.yaml": "namespace: x\n"}
    assert refusal(texts, "k0").endswith(f"the build reads more than {MAX_FOLDERS} kustomizations")


def test_flux_reads_files_from_anywhere_and_builds_without_a_file() -> None:
    texts = {"k/kustomization.yaml": "resources: [../other.yaml]\n", "other.yaml": named("o"), "l/a.yaml": named("a")}
    assert made(texts, confined=False) == ["ConfigMap o @ other.yaml:1"]
    assert made(texts, "l", resources=["l/a.yaml", "k"], confined=False) == [
        "ConfigMap a @ l/a.yaml:1", "ConfigMap o @ other.yaml:1"
    ]  # fmt: skip
