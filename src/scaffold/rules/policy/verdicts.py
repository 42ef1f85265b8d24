"""What the policies of the repository say of everything else in it: an engine asks them, these rules report."""

from collections.abc import Iterator

from scaffold.model.hit import Hit
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule


@rule("POL-12", Severity.ERROR, needs="policies", fix="Change the object as the message says, or except it.")
def policies_that_deny_let_everything_in(repo: Repo) -> Iterator[Hit]:
    """Everything in the repository passes the ValidatingPolicies that deny.

    What a policy refuses is not applied, and the sync ends there. Each policy is evaluated as Kyverno does it when the
    object is made: for the controllers of pods by the rules that it derives, in the namespaces that the policy and
    Kyverno's webhooks select, without what exceptions take out. Expressions that need a cluster, a registry or
    functions of Kyverno's own are not checked. Defaults of the API server are not filled in.
    """
    yield from repo.engine_hits.get("policies", ())


@rule("POL-13", Severity.WARNING, needs="policies", fix="Change the object as the message says, or except it.")
def policies_that_audit_have_nothing_to_report(repo: Repo) -> Iterator[Hit]:
    """Everything in the repository passes the ValidatingPolicies that audit or warn.

    What fails is applied and reported; as soon as the policy denies, it is refused. Evaluated like POL-12.
    """
    yield from repo.engine_hits.get("policies-audit", ())
