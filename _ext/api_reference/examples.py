"""Examples as a reader can run them: what a doctest finds in its module, an import in front provides."""

from __future__ import annotations

import ast
import builtins
import doctest
import re
from collections import defaultdict
from types import ModuleType

from api_reference import docstring, names
from api_reference.names import Name


def complete(name: Name, package: str) -> str:
    """The example of a docstring with the imports that it takes for granted; empty if it has none."""
    example = docstring.parts(name.docstring).get("example", "")
    example = re.sub(r"from \.(\w+) import", rf"from {name.module.__package__}.\1 import", example)
    lines = [f">>> {line}" for line in imports(_free(example), name.module, package)]
    return "\n".join([*lines, example]) if example else ""


def imports(words: set[str], module: ModuleType, package: str) -> list[str]:
    """The lines that import words as a module knows them: public names by their paths, the rest from where they are."""
    whole, parts = [], defaultdict(set)
    for word in sorted(words & vars(module).keys()):
        thing = vars(module)[word]
        path = names.by_object(package).get(id(thing))
        origin = getattr(thing, "__module__", None) or ""
        if isinstance(thing, ModuleType):
            whole.append(f"import {thing.__name__}" + (f" as {word}" if word != thing.__name__ else ""))
        elif path is not None and path.rpartition(".")[2] == word:
            parts[path.rpartition(".")[0]].add(word)
        elif isinstance(thing, type) and origin.split(".")[0] != package:
            parts[origin.split(".")[0]].add(word)
        else:
            parts[module.__name__].add(word)
    return whole + [f"from {scope} import {', '.join(sorted(parts[scope]))}" for scope in sorted(parts)]


def _free(example: str) -> set[str]:
    """The words of an example that it does not define."""
    source = "".join(line.source for line in doctest.DocTestParser().get_examples(example))
    used: set[str] = set()
    bound: set[str] = set(dir(builtins))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, ast.alias):
            bound.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            bound.add(node.name)
    return used - bound
