"""The house stands: arrows between rooms run one way, tests are found by name, a long module says why it is long."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "hesslib"
MODULES = {path.relative_to(ROOT).with_suffix("").parts: path for path in sorted(PACKAGE.rglob("*.py"))}
ROOMS = sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py"))

# The drawing of the imports: what stands on a floor uses the floors below it, and nothing else.
FLOORS = (
    {"calculus", "networks", "reconfiguration", "finite_difference"},
    {"layers"},
    {"derivations", "derivatives", "convert"},
    {"curvature", "check"},
    {"training"},
    {"evidence", "pruning"},
    {"book"},  # its studies are what the chapters compute, of everything there is
)
SITTING = 200
REASON = "Longer than one sitting"


def imports(path: Path) -> Iterator[str]:
    """The rooms that a module imports from, wherever in its text that stands."""
    package = path.relative_to(ROOT).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else ()
            start = [*above, *(node.module or "").split(".")] if node.module else list(above)
            names = [".".join([*start, alias.name]) for alias in node.names]
        for parts in (name.split(".") for name in names):
            if parts[0] == "hesslib" and len(parts) > 1 and parts[1] in ROOMS:
                yield parts[1]


def arrows() -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for parts, path in MODULES.items():
        if parts[1] in ROOMS:
            found[parts[1]] |= set(imports(path)) - {parts[1]}
    return found


def test_every_room_stands_on_one_floor():
    assert sorted(room for floor in FLOORS for room in floor) == [room for room in ROOMS if room != "data"]


def test_every_arrow_between_rooms_points_down():
    height = {room: number for number, floor in enumerate(FLOORS) for room in floor}
    upward = {(room, used) for room, below in arrows().items() for used in below if height[used] >= height[room]}
    assert upward == set()


@pytest.mark.parametrize("room", ["calculus", "derivations"])
def test_every_public_name_of_the_engine_and_of_the_derivations_is_used_by_a_test(room):
    tests = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py"))
    package = "\n".join(path.read_text(encoding="utf-8") for path in MODULES.values())
    examples = "\n".join(re.findall(r"^ +(?:>>>|\.\.\.) (.+)$", package, re.MULTILINE))
    used = set(re.findall(r"\w+", tests + examples))
    missing = []
    for parts, path in MODULES.items():
        if parts[1] == room and f"{path.stem}.__all__" not in tests:  # some tests walk through all names of a module
            missing += [f"{path.stem}.{name}" for name in public(path) if name not in used]
    assert missing == []


TESTED_BY_NAME = ("calculus", "derivations", "derivations/reading")


@pytest.mark.parametrize("room", TESTED_BY_NAME)
def test_every_module_of_the_engine_and_of_the_derivations_has_its_test_module(room):
    kind = room.rpartition("/")[2]
    modules = [path.stem for path in sorted((PACKAGE / room).glob("*.py")) if path.stem != "__init__"]
    wanted = [ROOT / "tests" / room / f"test_{kind}_{module}.py" for module in modules]
    missing = [str(path.relative_to(ROOT)) for path in wanted if not path.is_file()]
    assert not missing, f"{len(missing)} test modules are missing:\n" + "\n".join(missing)


def public(path: Path) -> list[str]:
    """What ``__all__`` of a module names as text."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return [e.value for e in node.value.elts if isinstance(e, ast.Constant)]
    return []


@pytest.mark.parametrize("parts", MODULES, ids=".".join)
def test_a_module_fits_one_sitting_or_says_in_its_first_lines_why_it_does_not(parts):
    text = MODULES[parts].read_text(encoding="utf-8")
    says = REASON in (ast.get_docstring(ast.parse(text)) or "")
    assert says == (text.count("\n") > SITTING), f"{text.count(chr(10))} lines; {'a reason' if says else 'no reason'}"
