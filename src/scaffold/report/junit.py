"""The outcome as JUnit XML, which every CI server shows: a test case a finding, one a rule that found nothing.

What could not be checked is a skipped case, or a failed one under --strict.
"""

from xml.etree import ElementTree as ET

from scaffold.model.outcome import Outcome
from scaffold.report.merged import merged
from scaffold.report.terminal import harmless


def render(outcome: Outcome, *, strict: bool = False) -> str:
    """Return one test suite."""
    entries = merged(outcome.findings)
    suite = ET.Element("testsuite", name="scaffold check", time=f"{outcome.seconds:.3f}")
    found = {entry.finding.rule for entry in entries}
    for rule in outcome.rules:
        if rule.id not in found:
            ET.SubElement(suite, "testcase", classname=rule.id, name=rule.title)
    for entry in entries:
        finding = entry.finding
        case = _case(suite, finding.rule, str(finding.place), finding.place.path, finding.place.line)
        failure = ET.SubElement(case, "failure", type=str(finding.severity), message=harmless(finding.text))
        lines = [f"{finding.place}: {finding.text}", finding.fix, *entry.contexts]
        failure.text = "\n".join(harmless(line) for line in lines)
    for item in outcome.not_checked:
        case = _case(suite, "not checked", f"{item.place} {item.what}", item.place.path, item.place.line)
        ET.SubElement(case, "failure" if strict else "skipped", message=harmless(f"{item.what}: {item.reason}"))
    for attribute, tag in (("failures", "failure"), ("skipped", "skipped")):
        suite.set(attribute, str(len(suite.findall(f"testcase/{tag}"))))
    suite.set("tests", str(len(suite)))
    suite.set("errors", "0")
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True)


def _case(suite: ET.Element, group: str, name: str, path: str, line: int) -> ET.Element:
    return ET.SubElement(suite, "testcase", classname=group, name=harmless(name), file=harmless(path), line=str(line))
