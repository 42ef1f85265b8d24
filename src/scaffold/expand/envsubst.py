"""Variables as Flux puts them in: the part of bash's parameter expansion that its envsubst knows (1.9), strictly.

``$$`` is a dollar and ``$name`` stays; only ``${…}`` is a variable. Lengths and positions count bytes, as Go does.
"""

import re
from collections.abc import Callable, Mapping

_CASES: Mapping[str, Callable[[str], str]] = {
    ",": lambda text: text[:1].lower() + text[1:],
    ",,": str.lower,
    "^": lambda text: text[:1].upper() + text[1:],
    "^^": str.upper,
}


class SubstitutionError(Exception):
    """A text that Flux refuses: with it nothing of the Kustomization is applied."""


def substitute(text: str, variables: Mapping[str, str]) -> str:
    """Return the text with its variables put in. Raises SubstitutionError for one that is not defined."""
    return _Reader(text, variables).all() if "$" in text else text


class _Reader:
    def __init__(self, text: str, variables: Mapping[str, str]) -> None:
        self._text = text
        self._variables = variables
        self._at = 0

    def all(self) -> str:
        parts: list[str] = []
        while self._at < len(self._text):
            if self._take("$$"):
                parts.append("$")
            elif self._take("${"):
                parts.append(self._variable())
            else:
                end = self._text.find("$", self._at + 1)
                end = len(self._text) if end < 0 else end
                parts.append(self._text[self._at : end])
                self._at = end
        return "".join(parts)

    def _variable(self) -> str:
        """Read on behind ``${`` to the closing brace, and return the value."""
        if self._take("#"):
            name = self._name()
            self._close()
            return str(len(self._value(name).encode()))
        name = self._name()
        following = self._text[self._at : self._at + 2]
        if self._take("}"):
            return self._value(name)
        if following[:1] == "=" or following in {":=", ":-", ":?", ":+"}:
            return self._default(name)
        match following[:1]:
            case ":":
                return self._part(name)
            case "," | "^":
                return self._cased(name)
            case "/":
                return self._replaced(name)
            case "#" | "%":
                return self._trimmed(name)
        raise SubstitutionError(f"${{{name} is not closed")

    def _name(self) -> str:
        start = self._at
        while self._at < len(self._text) and (self._text[self._at].isalnum() or self._text[self._at] == "_"):
            self._at += 1
        if start == self._at:
            raise SubstitutionError(f"{self._text[start - 2 : start + 20].splitlines()[0]} names no variable")
        return self._text[start : self._at]

    def _value(self, name: str) -> str:
        if name not in self._variables:
            raise SubstitutionError(f"${{{name}}} is not defined")
        return self._variables[name]

    def _default(self, name: str) -> str:
        # Whatever the operator, an empty or missing value is replaced; ":+" and ":?" mean nothing else here.
        self._at += 1 if self._text[self._at] == "=" else 2
        parts: list[str] = []
        while not self._take("}"):
            parts.append(self._argument("}"))
        return self._variables.get(name, "") or "".join(parts)

    def _part(self, name: str) -> str:
        self._at += 1
        arguments = [self._argument(":}")]
        if self._take(":"):
            while self._take(":"):
                pass
            arguments.append(self._argument("}"))
        self._close()
        value = self._value(name).encode()
        try:
            start = int(arguments[0])
            length = int(arguments[1]) if len(arguments) > 1 else len(value)
        except ValueError:
            return value.decode()
        start = max(len(value) + start, 0) if start < 0 else start
        end = len(value) + length if length < 0 else start + length
        return value[start:end].decode(errors="replace") if end >= start else ""

    def _cased(self, name: str) -> str:
        operator = self._operator(",^")
        self._close()
        return _CASES.get(operator, str)(self._value(name))

    def _replaced(self, name: str) -> str:
        operator = "/"
        self._at += 1
        if self._text[self._at : self._at + 1] in {"/", "#", "%"}:
            operator += self._text[self._at]
            self._at += 1
        old = self._argument("/", escapes=True)
        if not self._take("/"):
            raise SubstitutionError(f"${{{name} is not closed")
        while self._take("/"):
            pass
        new = "" if self._text[self._at : self._at + 1] == "}" else self._argument("}", escapes=True)
        self._close()
        value = self._value(name)
        match operator:
            case "/#":
                return new + value.removeprefix(old) if new and value.startswith(old) else value
            case "/%":
                return value.removesuffix(old) + new if new and value.endswith(old) else value
        return value.replace(old, new, -1 if operator == "//" else 1)

    def _trimmed(self, name: str) -> str:
        operator = self._operator(self._text[self._at])
        pattern = self._argument("}")
        self._close()
        value = self._value(name)
        backwards = operator[0] == "%"
        lengths = range(len(value), 0, -1) if len(operator) == 2 else range(1, len(value) + 1)
        fits = re.compile(_glob(pattern), re.DOTALL).fullmatch
        for length in lengths:
            part = value[-length:] if backwards else value[:length]
            if fits(part):
                return value[:-length] if backwards else value[length:]
        return value

    def _operator(self, letters: str) -> str:
        start = self._at
        while self._at - start < 2 and self._text[self._at : self._at + 1] and self._text[self._at] in letters:
            self._at += 1
        return self._text[start : self._at]

    def _argument(self, ends: str, *, escapes: bool = False) -> str:
        """Read an argument: one variable, or text up to one of ``ends`` or to the next variable."""
        if self._take("${"):
            return self._variable()
        parts: list[str] = []
        start = self._at
        while self._at < len(self._text) and self._text[self._at] not in ends:
            two = self._text[self._at : self._at + 2]
            if two == "${":
                break
            escaped = escapes and two in {"\\/", "\\\\", "$$"}
            parts.append(two[1] if escaped else two[0])
            self._at += 2 if escaped else 1
        if start == self._at or self._at >= len(self._text):
            raise SubstitutionError(f"{self._text[max(start - 12, 0) : start + 12].strip()} is not closed")
        return "".join(parts)

    def _take(self, word: str) -> bool:
        found = self._text.startswith(word, self._at)
        self._at += len(word) if found else 0
        return found

    def _close(self) -> None:
        if not self._take("}"):
            raise SubstitutionError(f"{self._text[max(self._at - 20, 0) : self._at].strip()} is not closed")


def _glob(pattern: str) -> str:
    """Return a shell pattern as a regular expression; a slash is a letter like any other."""
    found, at = "", 0
    while at < len(pattern):
        letter = pattern[at]
        closing = pattern.find("]", at + 2)
        if letter == "[" and closing > 0:
            inside = pattern[at + 1 : closing].replace("\\", "\\\\")
            found += f"[{'^' + inside[1:] if inside[:1] in {'!', '^'} else inside}]"
            at = closing
        elif letter == "\\" and at + 1 < len(pattern):
            at += 1
            found += re.escape(pattern[at])
        else:
            found += {"*": ".*", "?": "."}.get(letter) or re.escape(letter)
        at += 1
    return found
