"""What is public in the package, found in the package itself: no list is kept by hand.

Public is what the ``__all__`` of a module names, under the shortest path that leads to it; the public methods of public
classes; and the classes that a public function hands back or a public class holds, since a reader meets them.
"""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

Definition = ast.FunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign


@dataclass(frozen=True, eq=False)
class Name:
    """A public name: its path, what kind of thing it is, and where it is written down."""

    path: str  # hesslib.Network.layers
    kind: str  # as Sphinx's domain for Python calls it: function, class, exception, data, method, property
    thing: Any
    module: ModuleType  # the one that defines it
    node: Definition
    docstring: str
    labels: tuple[str, ...]  # of the equations that it implements
    named: bool = True  # in an __all__; else it is met as what a function hands back
    members: tuple[Name, ...] = ()

    @classmethod
    def of_package(cls, package: ModuleType) -> Name:
        """A package itself, for what its docstring refers to."""
        node = ast.Assign(targets=[], value=ast.Constant(None))
        return cls(package.__name__, "module", package, package, node, inspect.getdoc(package) or "", ())

    @property
    def short(self) -> str:
        """The path without the package: ``check.gradient``."""
        return self.path.partition(".")[2]

    @property
    def scope(self) -> str:
        """The path of what it belongs to."""
        return self.path.rpartition(".")[0]

    @property
    def home(self) -> str:
        """The module of whose page it is: where it is defined, or, if that is private, where it is met."""
        return self.scope if _private(self.module.__name__) else self.module.__name__


@functools.cache
def public(package: str) -> dict[str, Name]:
    """Every public name of a package by its path, in the order of modules and lines; members are with their classes."""
    found: dict[int, tuple[str, Any]] = {}
    modules = sorted(_modules(package), key=lambda module: (module.__name__.count("."), module.__name__))
    for module in modules:
        for name in module.__all__:
            thing = getattr(module, name)
            for inner, path in _inside(thing, f"{module.__name__}.{name}"):
                found.setdefault(id(inner), (path, inner))
    waiting = list(found.values())
    named = {path for path, _ in waiting}
    while waiting:
        path, thing = waiting.pop(0)
        for name, met in _met(thing, package):
            if id(met) not in found:
                home = thing.__module__ if _private(met.__module__) else met.__module__
                found[id(met)] = f"{home}.{name}", met
                waiting.append(found[id(met)])
    names = [_name(path, thing, path in named) for path, thing in found.values()]
    return {name.path: name for name in sorted(names, key=lambda name: (name.home, name.node.lineno))}


@functools.cache
def by_object(package: str) -> dict[int, str]:
    """The paths of the public classes and functions, by the identity of the thing, however a module calls it."""
    return {id(name.thing): path for path, name in public(package).items()}


def everything(package: str) -> Iterator[Name]:
    """Every public name, members too."""
    for name in public(package).values():
        yield name
        yield from name.members


def implementers(package: str) -> dict[str, list[Name]]:
    """The public names that implement an equation, by its label."""
    found: dict[str, list[Name]] = {}
    for name in everything(package):
        for label in name.labels:
            found.setdefault(label, []).append(name)
    return found


def _private(path: str) -> bool:
    return any(part.startswith("_") for part in path.split("."))


def _modules(package: str) -> Iterator[ModuleType]:
    """The modules that say what is public in them; the others are not imported."""
    top = importlib.import_module(package)
    yield top
    for info in pkgutil.walk_packages(top.__path__, f"{package}."):
        spec = info.module_finder.find_spec(info.name, None)
        if _private(info.name) or spec is None or spec.origin is None:
            continue
        body = ast.parse(Path(spec.origin).read_text(encoding="utf-8")).body
        if any(isinstance(s, ast.Assign) and _target(s) == "__all__" and _is_written_out(s.value) for s in body):
            yield importlib.import_module(info.name)


def _is_written_out(value: ast.expr) -> bool:
    """Whether the list names its own words; one put together from others' names only passes them on."""
    return isinstance(value, ast.List) and all(isinstance(word, ast.Constant) for word in value.elts)


def _inside(thing: Any, path: str) -> Iterator[tuple[Any, str]]:
    """The thing itself; of a module, its public functions, where they are defined."""
    if not isinstance(thing, ModuleType):
        yield thing, path
        return
    for name, inner in vars(thing).items():
        if isinstance(inner, FunctionType) and inner.__module__ == thing.__name__ and not name.startswith("_"):
            yield inner, f"{thing.__name__}.{name}"  # the path that an import statement takes


def _met(thing: Any, package: str) -> Iterator[tuple[str, type]]:
    """The classes of the package that a function hands back, or a class holds or hands back."""
    thing = inspect.unwrap(thing) if callable(thing) else thing
    if not isinstance(thing, FunctionType | type):
        return
    module = importlib.import_module(thing.__module__)
    node = definition(module, thing.__qualname__)
    for annotation in _handed_back(node):
        for word in ast.walk(annotation):
            text = word.id if isinstance(word, ast.Name) else word.value if isinstance(word, ast.Constant) else None
            met = vars(module).get(text) if isinstance(text, str) else None
            if isinstance(met, type) and met.__module__.split(".")[0] == package and not met.__name__.startswith("_"):
                yield met.__name__, met


def _handed_back(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.FunctionDef):
        if node.returns is not None:
            yield node.returns
    elif isinstance(node, ast.ClassDef):
        for part in node.body:
            if isinstance(part, ast.AnnAssign):
                yield part.annotation
            elif isinstance(part, ast.FunctionDef) and (not part.name.startswith("_") or part.name == "__call__"):
                yield from _handed_back(part)


def _name(path: str, thing: Any, named: bool) -> Name:
    met = thing
    if hasattr(thing, "__qualname__"):
        thing = inspect.unwrap(thing)
        module = importlib.import_module(thing.__module__)
        node, docstring = definition(module, thing.__qualname__), inspect.getdoc(thing) or ""
    else:
        home, _, word = path.rpartition(".")
        module = _where_assigned(home, word)
        node = definition(module, word)
        docstring = _string_after(module, node)
    kind = "function"
    if isinstance(thing, type):
        kind = "exception" if issubclass(thing, BaseException) else "class"
        docstring = docstring if "__doc__" in vars(thing) and ast.get_docstring(node, clean=False) else ""  # type: ignore[arg-type]
    elif not hasattr(thing, "__qualname__"):
        kind = "data"
    members = tuple(_members(path, module, thing)) if isinstance(thing, type) else ()
    return Name(path, kind, met, module, node, docstring, labels(docstring), named, members)


def _members(path: str, module: ModuleType, owner: type) -> Iterator[Name]:
    """Public methods and properties that a class defines, but for those that it inherits the meaning of."""
    for name, attribute in vars(owner).items():
        thing = getattr(attribute, "fget", None) or getattr(attribute, "__func__", attribute)
        if not isinstance(thing, FunctionType) or (name.startswith("_") and name != "__call__"):
            continue
        thing = inspect.unwrap(thing)
        if thing.__module__ != owner.__module__ or thing.__name__ == "<lambda>":
            continue  # made by dataclass or NamedTuple, or a field by another name
        docstring = inspect.cleandoc(thing.__doc__ or "")
        if not docstring and any(getattr(getattr(base, name, None), "__doc__", None) for base in owner.__mro__[1:-1]):
            continue
        node = definition(module, thing.__qualname__)
        kind = "property" if isinstance(vars(owner)[name], property) else "method"
        yield Name(f"{path}.{name}", kind, thing, module, node, docstring, labels(docstring))


def labels(docstring: str) -> tuple[str, ...]:
    """The labels on the ``Equation:`` line of a docstring: the one source of the links between book and package."""
    from api_reference.docstring import parts

    line = parts(docstring).get("Equation", "").removesuffix(".")
    return tuple(label.strip() for label in line.split(",") if label.strip())


@functools.cache
def tree(module: ModuleType) -> ast.Module:
    """The syntax of a module."""
    return ast.parse(inspect.getsource(module))


def definition(module: ModuleType, qualname: str) -> Definition:
    """The statement that defines a function, a class, a method or a constant."""
    body: list[ast.stmt] = tree(module).body
    found: Definition | None = None
    for part in qualname.split("."):
        found = next((s for s in _statements(body) if _target(s) == part), None)
        if found is None:
            raise LookupError(f"{module.__name__} does not define {qualname}")
        body = getattr(found, "body", [])
    assert found is not None
    return found


def _statements(body: list[ast.stmt]) -> Iterator[Definition]:
    """The definitions among statements."""
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign):
            yield statement


def _target(statement: ast.stmt) -> str | None:
    """The name that a statement defines."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return statement.name
    target = statement.targets[0] if isinstance(statement, ast.Assign) else getattr(statement, "target", None)
    return target.id if isinstance(target, ast.Name) else None


def _where_assigned(path: str, name: str) -> ModuleType:
    """The module that assigns a constant: the one that names it, or one that it imports it from."""
    module = importlib.import_module(path)
    for statement in tree(module).body:
        if isinstance(statement, ast.ImportFrom) and any(alias.name == name for alias in statement.names):
            level = "." * statement.level
            source = importlib.import_module(f"{level}{statement.module or ''}", package=module.__package__)
            return _where_assigned(source.__name__, name)
    return module


def _string_after(module: ModuleType, node: ast.stmt) -> str:
    """The string that stands below an assignment, as the docstring of a constant."""
    body = tree(module).body
    following = body[body.index(node) + 1 : body.index(node) + 2]
    for statement in following:
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            return inspect.cleandoc(str(statement.value.value))
    return ""
