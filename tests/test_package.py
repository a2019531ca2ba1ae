"""What `import hesslib` costs and offers."""

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import hesslib

IMPORT = """
import sys, numpy
before = set(sys.modules)
import pytest

import hesslib
[getattr(hesslib, name) for name in hesslib.__all__]
print(*sorted(set(sys.modules) - before))
"""


def test_import_brings_in_nothing_large() -> None:
    """Counted in modules beyond NumPy's, which no load of the machine changes; they take about a tenth of a second."""
    modules = subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True).stdout.split()
    packages = {name.partition(".")[0].lstrip("_") for name in modules} - {"hesslib"}
    assert packages & {"sympy", "jax", "torch", "scipy", "mpmath", "matplotlib", "pandas"} == set()
    assert {"jaxtyping", "array_api_compat"} <= packages
    own = [name for name in modules if name.startswith("hesslib")]
    assert len(own) < 80
    assert len(modules) - len(own) < 300


def test_the_table_of_public_names_is_what_type_checkers_read() -> None:
    tree = ast.parse(Path(hesslib.__file__).read_text(encoding="utf-8"))
    (guarded,) = [node for node in tree.body if isinstance(node, ast.If)]
    imports = {name.name: node.module.removeprefix("hesslib.") for node in guarded.body for name in node.names}
    table = {name: module for module, names in hesslib.PUBLIC.items() for name in names}
    assert imports == table
    assert sorted(table) == list(hesslib.__all__)
    assert set(hesslib.__all__) <= set(dir(hesslib))


ENGINE = """
import importlib, pkgutil, sys
import hesslib.calculus
for found in pkgutil.iter_modules(hesslib.calculus.__path__, "hesslib.calculus."):
    importlib.import_module(found.name)
print(*sorted({"numpy", "scipy", "jaxtyping", "array_api_compat", "matplotlib", "IPython"} & set(sys.modules)))
print(*[name for name in sys.modules if name.startswith("hesslib.")])
"""


def test_the_engine_needs_sympy_alone() -> None:
    run = subprocess.run([sys.executable, "-c", ENGINE], capture_output=True, text=True, check=True)
    libraries, modules = run.stdout.splitlines()
    assert libraries == ""
    assert {name for name in modules.split() if not name.startswith("hesslib.calculus")} <= {"hesslib.agreement"}


def test_no_module_has_the_name_of_a_function_that_its_package_exports() -> None:
    for name in ["hesslib", *(f"hesslib.{room}" for room in hesslib.ROOMS)]:
        package = importlib.import_module(name)
        if not hasattr(package, "__path__"):
            continue
        modules = {found.name for found in pkgutil.iter_modules(package.__path__)}
        exported = {word for word in getattr(package, "__all__", []) if callable(getattr(package, word))}
        assert modules & exported == set(), name


def test_every_public_name_exists_once_and_has_a_docstring() -> None:
    assert sorted(set(hesslib.__all__)) == sorted(hesslib.__all__)
    for name in hesslib.__all__:
        assert (getattr(hesslib, name).__doc__ or "").strip(), f"{name} has no docstring"


def test_numeric_modules_do_not_import_the_calculus_or_an_oracle() -> None:
    code = (
        "import sys, hesslib; [getattr(hesslib, name) for name in hesslib.__all__];"
        "print(*[name for name in sys.modules if name.startswith('hesslib')])"
    )
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not [
        name for name in modules if name.startswith(("hesslib.calculus", "hesslib.derivations", "hesslib.book"))
    ]
    for name in modules:
        source = importlib.util.find_spec(name).loader.get_source(name)
        assert not re.search(
            r"^\s*(import|from) (jax|torch|hesslib\.(calculus|derivations|book))\b", source, re.MULTILINE
        ), name


def test_the_types_of_every_call_are_checked_in_all_rooms_but_those_without_arrays(pytestconfig):
    *checked, _ = pytestconfig.getoption("--jaxtyping-packages").split(",")
    rooms = {f"hesslib.{room.name}" for room in pkgutil.iter_modules(hesslib.__path__)}
    assert set(checked) == rooms - {"hesslib.__main__", "hesslib.calculus", "hesslib.derivations"}


def public_functions() -> dict[str, object]:
    """What a user calls: the functions of the package, and those of the public module of weight Jacobians."""
    things = {name: getattr(hesslib, name) for name in hesslib.__all__}
    functions = {name: thing for name, thing in things.items() if inspect.isroutine(thing)}
    for module, thing in things.items():
        if inspect.ismodule(thing):
            own = inspect.getmembers(
                thing, lambda one, home=thing: inspect.isfunction(one) and one.__module__ == home.__name__
            )
            functions |= {f"{module}.{name}": function for name, function in own if not name.startswith("_")}
    for room in ("check", "finite_difference"):
        module = importlib.import_module(f"hesslib.{room}")
        things = {f"{room}.{name}": getattr(module, name) for name in module.__all__}
        functions |= {name: thing for name, thing in things.items() if inspect.isroutine(thing)}
    return functions


PUBLIC = public_functions()
HEADED = re.compile(r"^(?:Parameters|Options)\n-+\n(.*?)(?=\n\n(?! )|\Z)", re.DOTALL | re.MULTILINE)


def described(docstring: str) -> set[str]:
    """The arguments that the headed sections of a docstring describe."""
    lines = [line for section in HEADED.findall(docstring) for line in section.splitlines()]
    items = [re.fullmatch(r"(\w+(?:, \w+)*)(?: : \S.*)?", line) for line in lines]
    return {name for item in items if item for name in item[1].split(", ")}


@pytest.mark.parametrize("name", [*PUBLIC, "Activation", "KroneckerFactors", "Network", "Trace"])
def test_help_opens_with_one_plain_sentence(name: str) -> None:
    first, *rest = inspect.getdoc(PUBLIC.get(name) or getattr(hesslib, name)).splitlines()
    assert first.endswith(".")
    assert not rest or rest[0] == ""
    assert not re.search(r"[$\\^{}]", first), "no formula before one knows what it is about"


@pytest.mark.parametrize("name", PUBLIC)
def test_help_describes_every_argument(name: str) -> None:
    assert set(inspect.signature(PUBLIC[name]).parameters) <= described(inspect.getdoc(PUBLIC[name]))
