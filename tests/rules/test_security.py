"""Corners of security: levels of namespaces, network policies, rights, certificates, secrets from outside."""

import pytest

from scaffold.model.hit import Hit
from scaffold.model.manifest import Place
from tests.helpers import applied, found, hits


def namespace(name: str, labels: str = "") -> str:
    return f"---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}, labels: {{{labels}}}}}\n"


def web(fields: str = "", namespace: str = "shop") -> str:
    return (
        "---\napiVersion: apps/v1\nkind: Deployment\n"
        f"metadata: {{name: web, namespace: {namespace}}}\n"
        "spec:\n  selector: {matchLabels: {app: web}}\n"
        "  template:\n    metadata: {labels: {app: web}}\n"
        f"    spec: {{containers: [{{name: web, image: registry.example.com/web:1.0.0{fields}}}]}}\n"
    )


def made(api: str, kind: str, name: str, spec: str, namespace: str = "shop") -> str:
    return (
        f"---\napiVersion: {api}\nkind: {kind}\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {{{spec}}}\n"
    )


def account(name: str, namespace: str = "shop") -> str:
    return f"---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: {name}, namespace: {namespace}}}\n"


NAME = "kubernetes.io/metadata.name"
LEVEL = "pod-security.kubernetes.io/enforce"


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (f"{LEVEL}: restricted, {LEVEL}-version: v1.36", ""),
        (f"{LEVEL}: privileged", ""),
        (f"{LEVEL}: baseline", "the version of baseline is not pinned"),
        (f"{LEVEL}: baseline, {LEVEL}-version: latest", "the version of baseline is not pinned"),
        (f"{LEVEL}: strict, {LEVEL}-version: v1.36", "enforce is strict, it is"),
        (f"{LEVEL}: baseline, {LEVEL}-version: '1.36'", "enforce-version is 1.36, it is written v1.37"),
        (f"{LEVEL}: baseline, {LEVEL}-version: v1.99", "enforce-version v1.99 is above the cluster's v1.37"),
        (f"{LEVEL}: '${{level}}'", ""),
        ("team: shop", ""),
    ],
)
def test_a_level_is_one_that_the_server_knows(labels: str, said: str) -> None:
    got = hits("SEC-01", {"n.yaml": namespace("shop", labels)})
    assert len(got) == bool(said)
    assert all(said in text for text in got)


def test_a_namespace_without_level_is_found_beside_others_with_one() -> None:
    files = {"n.yaml": namespace("shop") + web()}
    assert hits("SEC-01", files) == []
    files["m.yaml"] = namespace("jobs", f"{LEVEL}: privileged")
    assert hits("SEC-01", files) == [
        "n.yaml:4 Namespace shop has pods and no Pod Security level, other namespaces have one"
    ]


def policy(spec: str, name: str = "web") -> str:
    return made("networking.k8s.io/v1", "NetworkPolicy", name, spec)


TO_DATABASE = "{to: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 5432}]}"


@pytest.mark.parametrize(
    ("egress", "hit"),
    [
        (f"[{TO_DATABASE}]", True),
        (f"[{TO_DATABASE}, {{ports: [{{port: 53, protocol: UDP}}]}}]", False),
        (f"[{TO_DATABASE}, {{ports: [{{port: 1, endPort: 60, protocol: TCP}}]}}]", False),
        (f"[{TO_DATABASE}, {{to: [{{namespaceSelector: {{}}}}]}}]", False),
        ("[{to: [{ipBlock: {cidr: 10.0.0.0/8}}], ports: [{port: 443}]}]", False),
        ("[]", False),
    ],
)
def test_who_may_call_may_ask_for_names(egress: str, hit: bool) -> None:
    text = web() + policy(f"podSelector: {{}}, policyTypes: [Egress], egress: {egress}")
    assert bool(hits("SEC-04", {"a.yaml": text})) == hit


def test_names_may_be_allowed_by_another_kind_of_policy() -> None:
    text = web() + policy(f"podSelector: {{}}, policyTypes: [Egress], egress: [{TO_DATABASE}]")
    text += made("cilium.io/v2", "CiliumNetworkPolicy", "dns", "endpointSelector: {}")
    assert hits("SEC-04", {"a.yaml": text}) == []


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("podSelector: {}, policyTypes: [Ingress]", ""),
        ("podSelector: {matchLabels: {app: jobs}}, policyTypes: [Ingress]",
         "no pod of namespace shop has the labels app=jobs"),
        ("podSelector: {matchLabels: {pod-template-hash: a1}}", ""),
        ("podSelector: {}, policyTypes: [Ingress], egress: [{}]", "egress has no effect, policyTypes is ['Ingress']"),
        ("podSelector: {}, egress: [{}]", ""),
        ("podSelector: {}, ingress: [{from: []}]", "from is an empty list, which is everybody"),
        ("podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: b}}}]}]",
         "no namespace has the labels team=b"),
        ("podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: a}}}]}]", ""),
        ("podSelector: {}, ingress: [{from: [{namespaceSelector: {}, podSelector: {matchLabels: {a: b}}}]}]", ""),
        (f"podSelector: {{}}, ingress: [{{from: [{{namespaceSelector: {{matchLabels: {{{NAME}: kube-system}}}}}}]}}]",
         ""),
    ],
)  # fmt: skip
def test_a_selector_takes_something(spec: str, said: str) -> None:
    got = hits("SEC-05", {"a.yaml": namespace("shop", "team: a") + web() + policy(spec)})
    assert len(got) == bool(said)
    assert all(said in text for text in got)


def test_namespaces_without_an_object_may_have_any_label() -> None:
    spec = "podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: b}}}]}]"
    text = namespace("shop", "team: a") + web() + policy(spec) + web(namespace="elsewhere")
    assert hits("SEC-05", {"a.yaml": text}) == []


def test_accounts_are_judged_beside_others_alone() -> None:
    text = web().replace("{containers", "{serviceAccountName: web, containers")
    assert hits("SEC-06", {"a.yaml": text}) == []
    assert len(hits("SEC-06", {"a.yaml": text + account("other")})) == 1
    assert hits("SEC-06", {"a.yaml": text + account("web")}) == []
    assert hits("SEC-06", {"a.yaml": text.replace("Name: web", "Name: default") + account("other")}) == []


def binding(role: str, subjects: str = "", kind: str = "RoleBinding") -> str:
    return (
        f"---\napiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata: {{name: b, namespace: shop}}\n"
        f"roleRef: {{apiGroup: rbac.authorization.k8s.io, {role}}}\nsubjects: [{subjects}]\n"
    )


def role(name: str, kind: str = "Role") -> str:
    where = ", namespace: shop" if kind == "Role" else ""
    return (
        f"---\napiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata: {{name: {name}{where}}}\nrules: []\n"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (binding("kind: Role, name: a"), ""),
        (binding("kind: Role, name: a") + role("a"), ""),
        (binding("kind: Role, name: b") + role("a"), "there is no Role b in namespace shop, there is a"),
        (binding("kind: Role, name: a") + role("a", "ClusterRole"), "but a ClusterRole a"),
        (binding("kind: ClusterRole, name: a") + role("a"), "but a Role a in namespace shop"),
        (binding("kind: ClusterRole, name: view") + role("viewer", "ClusterRole"), ""),
        (binding("kind: ClusterRole, name: shop-readr") + role("shop-reader", "ClusterRole"), "but shop-reader"),
        (binding("kind: ClusterRole, name: argocd-server") + role("shop-reader", "ClusterRole"), ""),
        (binding("kind: Role, name: '${role}'") + role("a"), ""),
    ],
)
def test_a_role_that_is_bound_exists(text: str, said: str) -> None:
    got = hits("SEC-07", {"a.yaml": text})
    assert len(got) == bool(said)
    assert all(said in one for one in got)


def test_groups_have_the_prefix_of_their_provider() -> None:
    subjects = ", ".join(f"{{kind: Group, name: '{name}'}}" for name in ("a", "oidc:b", "system:masters", "${c}"))
    text = binding("kind: ClusterRole, name: view", subjects)
    settings = "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n"
    settings += "jwt: [{claimMappings: {groups: {%s}}}]\n"
    assert hits("SEC-07", {"a.yaml": text}) == []
    assert len(hits("SEC-07", {"a.yaml": text, "b.yaml": settings % "claim: groups, prefix: 'oidc:'"})) == 1
    assert hits("SEC-07", {"a.yaml": text, "b.yaml": settings % "claim: groups, prefix: ''"}) == []


CERT_MANAGER = "cert-manager.io/v1"


def certificate(spec: str = "issuerRef: {name: i}, dnsNames: [shop.example.com]") -> str:
    return made(CERT_MANAGER, "Certificate", "c", f"secretName: s, {spec}")


def issuer(name: str = "i", kind: str = "Issuer") -> str:
    return made(CERT_MANAGER, kind, name, "selfSigned: {}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (certificate() + issuer(), ""),
        (certificate(), ""),
        (certificate() + issuer(kind="ClusterIssuer"), "there is no Issuer i in namespace shop, but a ClusterIssuer"),
        (certificate() + issuer("j"), "there is no Issuer i in namespace shop, there is j"),
        (certificate("issuerRef: {name: i, kind: ClusterIssuer}, dnsNames: [a.b]") + issuer(), "but an Issuer"),
        (certificate("issuerRef: {name: i, kind: X, group: awspca.cert-manager.io}, dnsNames: [a]") + issuer("j"),
         ""),
        (certificate("issuerRef: {name: i}") + issuer(), "is for no name: dnsNames is not set"),
        (certificate("issuerRef: {name: i}, commonName: root, isCA: true") + issuer(), ""),
    ],
)  # fmt: skip
def test_a_certificate_can_be_issued(text: str, said: str) -> None:
    got = hits("SEC-08", {"a.yaml": text})
    assert len(got) == bool(said)
    assert all(said in one for one in got)


@pytest.mark.parametrize(
    ("names", "host", "covered"),
    [
        ("shop.example.com", "shop.example.com", True),
        ("'*.example.com'", "shop.example.com", True),
        ("'*.example.com'", "example.com", False),
        ("'*.example.com'", "a.shop.example.com", False),
        ("'*.example.com'", "'*.example.com'", True),
        ("shop.example.com", "'*.example.com'", False),
        ("'${domain}'", "shop.example.com", True),
        ("shop.example.com", "'*'", True),
    ],
)
def test_a_certificate_is_good_for_its_hosts(names: str, host: str, covered: bool) -> None:
    text = certificate(f"issuerRef: {{name: i}}, dnsNames: [{names}]") + issuer()
    ingress = text + made("networking.k8s.io/v1", "Ingress", "i", f"tls: [{{secretName: s, hosts: [{host}]}}]")
    listener = f"{{name: a, port: 443, protocol: HTTPS, hostname: {host}, tls: {{certificateRefs: [{{name: s}}]}}}}"
    gateway = text + made("gateway.networking.k8s.io/v1", "Gateway", "g", f"listeners: [{listener}]")
    shown = f"hosts: ['shop/{host.strip(chr(39))}'], tls: {{credentialName: s}}"
    server = f"{{port: {{number: 443, protocol: HTTPS, name: a}}, {shown}}}"
    istio = (
        text + web() + made("networking.istio.io/v1", "Gateway", "g", f"selector: {{app: web}}, servers: [{server}]")
    )
    assert [hits("SEC-08", {"a.yaml": one}) == [] for one in (ingress, gateway, istio)] == [covered] * 3


def test_an_annotation_names_an_issuer_that_exists() -> None:
    text = made("networking.k8s.io/v1", "Ingress", "i", "").replace(
        "namespace: shop}", "namespace: shop, annotations: {cert-manager.io/issuer: i}}"
    )
    assert hits("SEC-08", {"a.yaml": text + issuer()}) == []
    [got] = hits("SEC-08", {"a.yaml": text + issuer(kind="ClusterIssuer")})
    assert "there is no Issuer i in namespace shop, but a ClusterIssuer" in got


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("duration: 2160h, renewBefore: 720h", ""),
        ("renewBefore: 720h", ""),
        ("duration: 90d", "duration 90d is no duration of h, m and s"),
        ("renewBefore: 30d", "renewBefore 30d is no duration"),
        ("duration: 30m", "duration 30m is shorter than 1h"),
        ("renewBefore: 1m", "renewBefore 1m is shorter than 5m"),
        ("renewBefore: 2160h", "renewBefore 2160h is not shorter than duration 2160h (not set)"),
        ("duration: '${duration}', renewBefore: 2400h", ""),
        ("duration: 720h0m0s, renewBefore: 721h", "renewBefore 721h is not shorter than duration 720h0m0s"),
    ],
)
def test_a_certificate_is_renewed_in_time(spec: str, said: str) -> None:
    got = hits("SEC-12", {"a.yaml": certificate(f"{spec}, dnsNames: [a.b]")})
    assert len(got) == bool(said)
    assert all(said in one for one in got)


EXTERNAL = "external-secrets.io/v1"


def external(spec: str, name: str = "e", api: str = EXTERNAL) -> str:
    return made(api, "ExternalSecret", name, spec)


@pytest.mark.parametrize(("interval", "wrong"), [("'0'", False), ("1h", False), ("1d", True), ("1h0m0s", False)])
def test_an_interval_of_an_external_secret_is_one_of_go(interval: str, wrong: bool) -> None:
    assert bool(hits("SEC-12", {"a.yaml": external(f"refreshInterval: {interval}")})) == wrong


@pytest.mark.parametrize(
    ("other", "wrong"),
    [
        (external("target: {name: s}"), True),
        (external("target: {name: s, creationPolicy: Merge}"), False),
        (external("target: {name: t}", "s"), False),
        (external("refreshInterval: 1h", "s"), True),
        ("---\napiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: shop}\nstringData: {a: b}\n", True),
        ("---\napiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: shop}\n", False),
        ("---\napiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: jobs}\nstringData: {a: b}\n", False),
        (made("secrets.hashicorp.com/v1beta1", "VaultStaticSecret", "v", "destination: {name: s, create: true}"), True),
        (made("secrets.hashicorp.com/v1beta1", "VaultStaticSecret", "v", "destination: {name: s}"), False),
        (made("bitnami.com/v1alpha1", "SealedSecret", "s", "encryptedData: {a: b}"), True),
    ],
)
def test_a_secret_has_one_writer(other: str, wrong: bool) -> None:
    assert bool(hits("SEC-09", {"a.yaml": certificate() + other})) == wrong


def test_an_ingress_with_an_annotation_writes_too() -> None:
    text = made("networking.k8s.io/v1", "Ingress", "i", "tls: [{secretName: s, hosts: [a.b]}]").replace(
        "namespace: shop}", "namespace: shop, annotations: {cert-manager.io/cluster-issuer: i}}"
    )
    assert len(hits("SEC-09", {"a.yaml": certificate() + text})) == 1
    assert hits("SEC-09", {"a.yaml": certificate().replace("name: c", "name: s") + text}) == []
    assert hits("SEC-09", {"a.yaml": text}) == []


def store(kind: str = "SecretStore", spec: str = "provider: {fake: {}}", name: str = "v") -> str:
    return made(EXTERNAL, kind, name, spec)


@pytest.mark.parametrize(
    ("reference", "stores", "said"),
    [
        ("{name: v}", store(), ""),
        ("{name: v}", "", ""),
        ("{name: v}", store(name="w"), "there is no SecretStore v in namespace shop"),
        ("{name: v}", store("ClusterSecretStore"),
         "there is no SecretStore v in namespace shop, but a ClusterSecretStore"),
        ("{name: v, kind: ClusterSecretStore}", store(), "but a SecretStore in namespace shop"),
        ("{name: v, kind: ClusterSecretStore}", store("ClusterSecretStore", name="w"),
         "there is no ClusterSecretStore v"),
        ("{name: v, kind: ClusterSecretStore}", store("ClusterSecretStore", "conditions: [{namespaces: [jobs]}]"),
         "is for jobs, not for shop"),
        ("{name: v, kind: ClusterSecretStore}",
         store("ClusterSecretStore", "conditions: [{namespaces: [jobs]}, {namespaceSelector: {}}]"),
         ""),
        ("{name: '${store}'}", store(), ""),
    ],
)  # fmt: skip
def test_a_store_exists(reference: str, stores: str, said: str) -> None:
    got = hits("SEC-10", {"a.yaml": external(f"secretStoreRef: {reference}") + stores})
    assert len(got) == bool(said)
    assert all(said in one for one in got)


@pytest.mark.parametrize(
    ("spec", "wrong"),
    [
        ("data: [{secretKey: user}]", True),
        ("data: [{secretKey: password}]", False),
        ("dataFrom: [{extract: {key: a}}], data: [{secretKey: user}]", False),
        ("data: [{secretKey: user}], target: {name: e, template: {data: {password: '{{ .user }}'}}}", False),
        ("data: [{secretKey: password}], target: {name: e, template: {data: {url: a}}}", True),
        ("data: [{secretKey: password}], target: {name: e, template: {mergePolicy: Merge, data: {url: a}}}", False),
        ("data: [{secretKey: user}], target: {name: e, creationPolicy: Merge}", False),
    ],
)
def test_a_key_is_one_that_is_made(spec: str, wrong: bool) -> None:
    pods = web(", env: [{name: A, valueFrom: {secretKeyRef: {name: e, key: password}}}]")
    assert bool(hits("SEC-10", {"a.yaml": external(spec) + pods})) == wrong
    optional = pods.replace("key: password", "key: password, optional: true")
    assert hits("SEC-10", {"a.yaml": external(spec) + optional}) == []


def test_an_authentication_of_vault_exists() -> None:
    user = made("secrets.hashicorp.com/v1beta1", "VaultStaticSecret", "s", "vaultAuthRef: a")
    auth = made("secrets.hashicorp.com/v1beta1", "VaultAuth", "b", "method: kubernetes")
    assert hits("SEC-10", {"a.yaml": user}) == []
    assert hits("SEC-10", {"a.yaml": user + auth}) == [
        "a.yaml:5 VaultStaticSecret shop/s: there is no VaultAuth a in namespace shop"
    ]
    assert hits("SEC-10", {"a.yaml": user.replace("Ref: a", "Ref: vault/a") + auth}) == []


def test_the_account_of_a_store_of_the_cluster_has_a_namespace_of_its_own() -> None:
    login = "auth: {kubernetes: {serviceAccountRef: {name: vault, namespace: eso}}}"
    text = store("ClusterSecretStore", f"provider: {{vault: {{server: a, {login}}}}}") + account("eso", "eso")
    assert len(hits("SEC-11", {"a.yaml": text})) == 1
    assert hits("SEC-11", {"a.yaml": text + account("vault", "eso")}) == []
    assert hits("SEC-11", {"a.yaml": text.replace(", namespace: eso}}", "}}")}) == []


def test_an_old_operator_serves_the_old_api() -> None:
    text = external("refreshInterval: 1h", api="external-secrets.io/v1beta1")
    assert len(hits("SEC-14", {"a.yaml": text})) == 1
    release = (
        "---\napiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: eso, namespace: eso}\n"
        "spec: {chart: {spec: {chart: external-secrets, version: 0.10.7, "
        "sourceRef: {kind: HelmRepository, name: e}}}}\n"
    )
    assert hits("SEC-14", {"a.yaml": text + release}) == []
    assert len(hits("SEC-14", {"a.yaml": text + release.replace("0.10.7", "0.18.0")})) == 1
    umbrella = "apiVersion: v2\nname: eso\nversion: 1.0.0\ndependencies: [{name: external-secrets, version: 0.10.2}]\n"
    assert hits("SEC-14", {"a.yaml": text, "eso/Chart.yaml": umbrella}) == []


def test_a_reloader_restarts_too() -> None:
    secret = made("secrets.hashicorp.com/v1beta1", "VaultDynamicSecret", "d", "destination: {name: d}")
    pods = web(", envFrom: [{secretRef: {name: d}}]")
    assert len(hits("SEC-16", {"a.yaml": secret + pods})) == 1
    annotated = pods.replace("namespace: shop}", "namespace: shop, annotations: {reloader.stakater.com/auto: 'true'}}")
    assert hits("SEC-16", {"a.yaml": secret + annotated}) == []
    assert hits("SEC-16", {"a.yaml": secret + web()}) == []


def test_rights_for_everybody_are_found() -> None:
    names = {"system:serviceaccounts:shop": "Group", "team": "Group", "system:anonymous": "User"}
    subjects = ", ".join(f"{{kind: {kind}, name: '{name}'}}" for name, kind in names.items())
    text = binding("kind: ClusterRole, name: edit", subjects)
    assert len(hits("SEC-17", {"a.yaml": text})) == 2
    assert hits("SEC-17", {"a.yaml": text.replace("name: edit", "name: view")}) == []


def test_nothing_is_missing_where_something_could_not_be_opened() -> None:
    repo = applied(
        {
            "a.yaml": certificate()
            + issuer(kind="ClusterIssuer")
            + external("secretStoreRef: {name: v}")
            + store(name="w")
        }
    )
    assert len(found("SEC-08", repo)) == len(found("SEC-10", repo)) == 1
    repo = repo.with_(faults=(Hit(Place("chart/Chart.yaml"), "is broken"),))
    assert found("SEC-08", repo) == found("SEC-10", repo) == []


@pytest.mark.parametrize(
    ("fields", "plain"),
    [
        ("stringData: {password: hunter2}", True),
        ("data: {password: aHVudGVyMg==}", True),
        ("stringData: {password: ''}", False),
        ("stringData: {password: '${PASSWORD}'}", False),
        ("stringData: {password: '<path:secret/data/shop#password>'}", False),
        ("stringData: {password: 'ENC[AES256_GCM,data:a,iv:b,tag:c,type:str]'}", False),
        ("data: {}", False),
        ("type: kubernetes.io/service-account-token", False),
    ],
)
def test_a_secret_in_plain_text_is_told_from_its_false_friends(fields: str, plain: bool) -> None:
    text = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: s, namespace: shop}}\n{fields}\n"
    assert bool(hits("GITOPS-18", {"a.yaml": text})) == plain


@pytest.mark.parametrize(
    "text",
    [
        made("bitnami.com/v1alpha1", "SealedSecret", "s", "encryptedData: {password: AgBy8hCi}"),
        external("target: {template: {data: {password: '{{ .password }}'}}}, data: [{secretKey: password}]"),
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: s}\ndata: {password-file: /etc/password}\n",
        made(CERT_MANAGER, "Certificate", "c", "secretName: password"),
    ],
)
def test_what_only_names_a_secret_is_none(text: str) -> None:
    assert hits("GITOPS-18", {"a.yaml": text}) == []
