"""The outcome as workflow commands of GitHub Actions: annotations at the lines of a pull request."""

from scaffold.model.outcome import Outcome
from scaffold.report.merged import merged


def render(outcome: Outcome, *, strict: bool = False) -> str:
    """Return one command a line. What could not be checked is told, too."""
    lines = [
        _command(
            str(entry.finding.severity),
            entry.finding.place.path,
            entry.finding.place.line,
            entry.finding.rule,
            "\n".join([entry.finding.text, entry.finding.fix, *entry.contexts]),
        )
        for entry in merged(outcome.findings)
    ]
    lines += [
        _command(
            "error" if strict else "notice",
            item.place.path,
            item.place.line,
            "not checked",
            f"{item.what}: {item.reason}",
        )
        for item in outcome.not_checked
    ]
    return "\n".join(lines)


def _command(level: str, path: str, line: int, title: str, message: str) -> str:
    return f"::{level} file={_property(path)},line={line},title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    """Return a message as the runner reads it back: a line break would end the command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
