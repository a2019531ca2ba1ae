"""What the visible code of a page takes for granted: imports and values from cells that the page does not show.

A reader who copies what is on a page into an empty file should be able to run it. So the statements of hidden cells on
which visible code rests, and no others, stand in a named block above the first visible cell that needs them.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

HIDDEN = {"remove-cell", "remove-input", "hide-input", "hide-cell"}
STATES = re.compile(r"\bledger\.(state|claim|settle)\(")
LISTING = re.compile(r"(listing\([^()]*\)\s*)+")


def is_shown(source: str, tags: set[str]) -> bool:
    """Whether the code of a cell stands on the page to be read: not hidden, and no call that the page folds."""
    if tags & HIDDEN or LISTING.fullmatch(source.strip()):
        return False
    return "show-code" in tags or not STATES.search(source)


@dataclass
class Statement:
    """One statement of a page: its text, what it needs and what it gives, and the cell that it is in."""

    text: str
    cell: int
    visible: bool
    needs: set[str] = field(default_factory=set)
    gives: set[str] = field(default_factory=set)
    changes: set[str] = field(default_factory=set)


def statements(cells: Iterable[tuple[int, str, set[str]]]) -> list[Statement]:
    """The statements of the cells (index, source, tags), in order."""
    found = []
    for index, source, tags in cells:
        lines = [line for line in source.splitlines() if not line.lstrip().startswith(("%", "!"))]
        text = "\n".join(lines)
        for node in ast.parse(text).body:
            piece = ast.get_source_segment(text, node) or ""
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.decorator_list:
                start = node.decorator_list[0].lineno - 1
                piece = "\n".join(lines[start : node.end_lineno])
            statement = Statement(piece, index, is_shown(source, tags))
            statement.needs, statement.gives, statement.changes = _names(node)
            found.append(statement)
    return found


def _names(node: ast.stmt) -> tuple[set[str], set[str], set[str]]:
    """What a statement reads, what it binds at the top level, and whose state it changes."""
    if isinstance(node, ast.Import):
        return set(), {(alias.asname or alias.name).partition(".")[0] for alias in node.names}, set()
    if isinstance(node, ast.ImportFrom):
        if node.names[0].name == "*":
            module = importlib.import_module(str(node.module))
            return set(), set(getattr(module, "__all__", dir(module))), set()
        return set(), {alias.asname or alias.name for alias in node.names}, set()
    needs, gives = _Reads(), set()
    needs.visit(node)
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        gives = {node.name}
    else:
        gives = {
            name.id
            for name in ast.walk(node)
            if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store) and name.id not in needs.inner
        }
    changes = set()
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        changes = {_root(node.value.func)}
    if isinstance(node, ast.Assign | ast.AugAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        changes = {_root(target) for target in targets if isinstance(target, ast.Attribute | ast.Subscript)}
    return needs.found, gives, changes - {""}


def _root(node: ast.expr) -> str:
    """The name at the start of ``name.attribute[index](...)``; nothing for a plain name: it is called, not changed."""
    if isinstance(node, ast.Name):
        return ""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


class _Reads(ast.NodeVisitor):
    """Names that are read and not bound within a function, a comprehension or a lambda."""

    def __init__(self) -> None:
        self.found: set[str] = set()
        self.inner: set[str] = set()  # bound by comprehensions and functions
        self.bound: list[set[str]] = []

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load) and not any(node.id in names for names in self.bound):
            self.found.add(node.id)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.found.add(node.target.id)
        self.generic_visit(node)

    def _scope(self, node: ast.AST, names: set[str]) -> None:
        self.inner |= names
        self.bound.append(names)
        self.generic_visit(node)
        self.bound.pop()

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._scope(node, _arguments(node.args))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        stored = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        stored |= {n.name for n in ast.walk(node) if isinstance(n, ast.FunctionDef) and n is not node}
        stored |= {
            (alias.asname or alias.name).partition(".")[0]
            for n in ast.walk(node)
            if isinstance(n, ast.Import | ast.ImportFrom)
            for alias in n.names
        }
        self._scope(node, _arguments(node.args) | stored)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        own = {n.name for n in node.body if isinstance(n, ast.FunctionDef)}
        own |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        self._scope(node, own)

    def _comprehension(self, node: ast.AST) -> None:
        generators = node.generators  # type: ignore[attr-defined]
        stored = {n.id for generator in generators for n in ast.walk(generator.target) if isinstance(n, ast.Name)}
        self.visit(generators[0].iter)
        self._scope(node, stored)

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension


def _arguments(arguments: ast.arguments) -> set[str]:
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    every += [one for one in (arguments.vararg, arguments.kwarg) if one is not None]
    return {one.arg for one in every}


def setups(cells: Iterable[tuple[int, str, set[str]]]) -> dict[int, str]:
    """For each visible cell that needs it, by its index: the hidden statements to run before it, in order."""
    every = statements(cells)
    taken: set[int] = set()
    blocks: dict[int, list[int]] = {}

    def need(name: str, before: int, into: set[int]) -> None:
        """Everything on which the value of a name rests at a place."""
        if hasattr(builtins, name):
            return
        for place in range(before - 1, -1, -1):
            statement = every[place]
            if place in into or place in taken:
                if name in statement.gives:
                    return
                continue
            if name in statement.changes and not statement.visible:
                take(place, into)
            if name in statement.gives:
                if not statement.visible:
                    take(place, into)
                return

    def take(place: int, into: set[int]) -> None:
        into.add(place)
        for name in every[place].needs:
            need(name, place, into)

    for place, statement in enumerate(every):
        if statement.visible:
            into: set[int] = set()
            for name in statement.needs:
                need(name, place, into)
            if into:
                blocks.setdefault(statement.cell, []).extend(sorted(into))
                taken |= into
    return {cell: _joined([every[place] for place in sorted(places)]) for cell, places in blocks.items()}


def _joined(chosen: list[Statement]) -> str:
    """The statements as a program, with empty lines where one writes them."""
    lines: list[str] = []
    last = ""
    for statement in chosen:
        kind = (
            "import"
            if statement.text.startswith(("import ", "from "))
            else "def"
            if statement.text.startswith(("def ", "class ", "@"))
            else "other"
        )
        if lines and (kind != last or kind == "def"):
            lines.append("" if "def" not in (kind, last) else "\n")
        lines.append(statement.text)
        last = kind
    return "\n".join(lines)
