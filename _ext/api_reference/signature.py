"""Signatures that read well: shapes as shapes, choices as what may be chosen, one argument to a line if need be."""

from __future__ import annotations

import ast
import inspect
import re
from typing import get_args, get_origin

from api_reference.names import Name

WIDE = 62  # characters up to which a signature stays in one line
DTYPES = {
    "Float": "float",
    "Integer": "int",
    "Int": "int",
    "Bool": "bool",
    "Inexact": "float or complex",
    "Num": "number",
}


def lines(name: Name) -> list[str]:
    """The signature: one line, or a head, a line for each argument, and a foot. Empty for a constant or a property."""
    node, short = name.node, name.short
    if name.kind in ("property", "data"):
        returns = node.returns if isinstance(node, ast.FunctionDef) else None
        return [f"{short}: {_annotation(returns, name)}"] if returns is not None else []
    if isinstance(node, ast.ClassDef):
        arguments, result = _constructor(node, name), ""
        if arguments is None:
            return []
    else:
        assert isinstance(node, ast.FunctionDef)
        bound = name.kind == "method" and not _is_static(node)
        arguments = _arguments(node, name, bound=bound)
        result = f" → {_annotation(node.returns, name)}" if node.returns is not None else ""
    call = short.removesuffix(".__call__")
    whole = f"{call}({', '.join(arguments)}){result}"
    if len(whole) <= WIDE or not arguments:
        return [whole]
    return [f"{call}(", *_rows(arguments), f"){result}"]


def _rows(arguments: list[str]) -> list[str]:
    """One argument to a line; the marks of what is positional or named stand beside an argument."""
    rows: list[str] = []
    for argument in arguments:
        if argument == "/":
            rows[-1] += " /,"
        elif rows and rows[-1] == "*,":
            rows[-1] += f" {argument},"
        else:
            rows.append(f"{argument},")
    return rows


def fields(name: Name) -> list[tuple[str, str, str]]:
    """The fields of a data class or a named tuple: name, type, and the comment that stands beside it."""
    if not isinstance(name.node, ast.ClassDef) or _is_protocol(name.node):
        return []
    source = inspect.getsource(name.module).splitlines()
    found = []
    for part in name.node.body:
        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name) and not part.target.id.startswith("_"):
            kind = _annotation(part.annotation, name)
            _, mark, comment = source[(part.end_lineno or part.lineno) - 1].partition("  # ")
            if not kind.startswith("ClassVar"):
                found.append((part.target.id, kind, comment if mark else ""))
    return found


def arguments(name: Name) -> set[str]:
    """The names of the arguments, or of the fields."""
    node = name.node
    functions = [node] if isinstance(node, ast.FunctionDef) else [p for p in getattr(node, "body", []) if _is_init(p)]
    found = {a.arg for f in functions for a in (*f.args.posonlyargs, *f.args.args, *f.args.kwonlyargs)}
    return found | {field for field, *_ in fields(name)}


def _is_init(part: ast.stmt) -> bool:
    return isinstance(part, ast.FunctionDef) and part.name == "__init__"


def _is_static(node: ast.FunctionDef) -> bool:
    return any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in node.decorator_list)


def _is_protocol(node: ast.ClassDef) -> bool:
    return _is(node, "Protocol", "ABC")


def _is(node: ast.ClassDef, *names: str) -> bool:
    return any(isinstance(base, ast.Name) and base.id in names for base in node.bases)


def _constructor(node: ast.ClassDef, name: Name) -> list[str] | None:
    """The arguments of a class: those of its initialiser, or its fields; None if it is not called by readers."""
    init = next((part for part in node.body if _is_init(part)), None)
    if isinstance(init, ast.FunctionDef):
        return _arguments(init, name, bound=True)
    if _is_protocol(node) or not name.named or _is(node, "NamedTuple"):
        return None
    found = []
    for part in node.body:
        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
            default = ast.unparse(part.value) if part.value is not None else ""
            if "init=False" in default or part.target.id.startswith("_"):
                continue
            inner = re.search(r"default=([^,)]+)", default) if default.startswith("field(") else None
            default = inner[1] if inner else "" if default.startswith("field(") else default
            annotation = _annotation(part.annotation, name)
            found.append(f"{part.target.id}: {annotation}{f' = {default}' if default else ''}")
    return found or None


def _arguments(node: ast.FunctionDef, name: Name, *, bound: bool) -> list[str]:
    args = node.args
    positional = [*args.posonlyargs, *args.args]
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(args.defaults)) + list(args.defaults)
    found: list[str] = []
    for place, (argument, default) in enumerate(zip(positional, defaults, strict=True)):
        if not (bound and place == 0):
            found.append(_argument(argument, default, name))
        if place + 1 == len(args.posonlyargs) and found:
            found.append("/")
    if args.vararg is not None:
        found.append("*" + _argument(args.vararg, None, name))
    elif args.kwonlyargs:
        found.append("*")
    found += [_argument(a, d, name) for a, d in zip(args.kwonlyargs, args.kw_defaults, strict=True)]
    return found


def _argument(argument: ast.arg, default: ast.expr | None, name: Name) -> str:
    text = argument.arg
    if argument.annotation is not None:
        text += f": {_annotation(argument.annotation, name)}"
    if default is None:
        return text
    number = vars(name.module).get(default.id) if isinstance(default, ast.Name) else None
    return f"{text} = {number if isinstance(number, int | float) else ast.unparse(default)}"


def _annotation(annotation: ast.expr | None, name: Name) -> str:
    """A type as a reader says it: ``Float[Array, "N D"]`` is float (N, D)."""
    if annotation is None:
        return ""
    if isinstance(annotation, ast.Constant):
        return "..." if annotation.value is Ellipsis else str(annotation.value)
    if isinstance(annotation, ast.BinOp):
        return f"{_annotation(annotation.left, name)} | {_annotation(annotation.right, name)}"
    if isinstance(annotation, ast.Name):
        alias = vars(name.module).get(annotation.id)
        if str(get_origin(alias)) == "typing.Literal":
            return " | ".join(map(repr, get_args(alias)))
        return "array" if annotation.id == "Array" else annotation.id
    if isinstance(annotation, ast.Subscript):
        head = ast.unparse(annotation.value)
        if head in DTYPES and isinstance(annotation.slice, ast.Tuple):
            shape = annotation.slice.elts[1]
            assert isinstance(shape, ast.Constant)
            sizes = str(shape.value).split()
            return f"{DTYPES[head]} ({', '.join(sizes)}{',' * (len(sizes) == 1)})"
        if head == "Literal":
            choices = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else [annotation.slice]
            return " | ".join(map(ast.unparse, choices))
        inner = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else [annotation.slice]
        return f"{head.rpartition('.')[2]}[{', '.join(_annotation(one, name) for one in inner)}]"
    if isinstance(annotation, ast.List):
        return f"[{', '.join(_annotation(one, name) for one in annotation.elts)}]"
    text = ast.unparse(annotation)
    return {"np.ndarray": "array", "np.typing.DTypeLike": "dtype"}.get(text, text.removeprefix("np.random."))
