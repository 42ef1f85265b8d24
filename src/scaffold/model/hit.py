"""What a rule or an engine found."""

from dataclasses import dataclass

from scaffold.model.manifest import Place


@dataclass(frozen=True, slots=True, order=True)
class Hit:
    """What a rule found: a place and what is wrong there, with the value shown. ``context`` says which render."""

    place: Place
    text: str
    context: str = ""
