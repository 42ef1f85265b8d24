"""CEL by the library of its makers, which is loaded where a policy asks and nowhere else."""

import importlib
from collections.abc import Mapping
from typing import Any

from scaffold.model.cel import Compiler, Failed, Program

_LIBRARY = "cel_expr_python"
_VARIABLES = ("namespaceObject", "object", "oldObject", "request", "variables")


def compiler() -> Compiler | None:
    """Return a compiler for expressions about admission requests; None where the library cannot be loaded."""
    try:
        cel: Any = importlib.import_module(f"{_LIBRARY}.cel")
        optional: Any = importlib.import_module(f"{_LIBRARY}.ext.ext_optional")
        strings: Any = importlib.import_module(f"{_LIBRARY}.ext.ext_strings")
    except ImportError:
        return None
    extensions = [optional.ExtOptional(), strings.ExtStrings()]
    environment = cel.NewEnv(variables=dict.fromkeys(_VARIABLES, cel.Type.DYN), extensions=extensions)

    def compiled(text: str) -> Program | Failed:
        try:
            expression = environment.compile(text)
        except (RuntimeError, ValueError) as error:
            return Failed(_first_line(error))
        return lambda data: _evaluated(cel, expression, data)

    return compiled


def _evaluated(cel: Any, expression: Any, data: Mapping[str, Any]) -> Any:
    try:
        value = expression.eval(data=data)
        # An optional value has this type, too.
        return Failed(_first_line(value)) if value.type() == cel.Type.ERROR else value.plain_value()
    except (RuntimeError, TypeError, ValueError) as error:
        return Failed(_first_line(error))


def _first_line(error: object) -> str:
    line = (str(error).strip().splitlines() or ["no reason given"])[0]
    return line.removeprefix("INVALID_ARGUMENT: ").removeprefix("ERROR: ").removeprefix("<input>:")
