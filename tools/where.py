"""Say where an equation of the book comes from: its page, its proof, the code that computes it, the tests of its proof.

python tools/where.py 12.7            by its number in the built book
python tools/where.py inverse-bias    by its label, or by the number that a source gives it ("5.94")
"""

from __future__ import annotations

import ast
import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "_ext"))  # where docstrings are taken apart

from api_reference.names import labels  # noqa: E402

BUILT = Path("_build", "html", "ledger.json")


def records(root: Path) -> list[dict[str, Any]]:
    """The ledger of the built book; SystemExit if there is none, or if a page is newer, for numbers move."""
    ledger = root / BUILT
    if not ledger.is_file():
        raise SystemExit(f"there is no {BUILT}: make book")
    sources = [root / "_toc.yml", *(root / "chapters").rglob("*.md")]
    if newer := [path for path in sources if path.stat().st_mtime > ledger.stat().st_mtime]:
        raise SystemExit(f"{newer[0].relative_to(root)} is newer than {BUILT}, so numbers may have moved: make book")
    found: list[dict[str, Any]] = json.loads(ledger.read_text(encoding="utf-8"))["equations"]
    return found


def asked_for(what: str, ledger: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records with this number, else with this label, else those whose source has the number."""
    number = re.compile(rf"(?<![\d.]){re.escape(what)}(?![\d.]*\d)")
    return (
        [record for record in ledger if record["number"] == what]
        or [record for record in ledger if record["label"] == what]
        or [record for record in ledger if number.search(record["source"])]
    )


def lines_with(pattern: str, path: Path, root: Path) -> list[str]:
    """Where the pattern is found, as ``path:line``."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [f"{path.relative_to(root)}:{number}" for number, line in enumerate(lines, 1) if re.search(pattern, line)]


def computing(label: str, root: Path) -> list[str]:
    """The functions of the package that say in an ``Equation:`` line of their docstring that they compute it."""
    found = []
    for path in sorted((root / "hesslib").rglob("*.py")):
        if {"book", "calculus", "derivations"} & set(path.parts):
            continue
        found += [
            f"{path.relative_to(root)}:{node.lineno} {node.name}"
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and label in labels(ast.get_docstring(node) or "")
        ]
    return found


def places(record: dict[str, Any], root: Path) -> dict[str, list[str]]:
    """What is known of a record, by the question that it answers."""
    chapter = root / Path(record["page"]).with_suffix(".md")
    module, _, function = record.get("program", "").rpartition(".")
    proof, tests = [], []
    if module:
        file = root / Path(*module.split(".")).with_suffix(".py")
        proof = lines_with(rf"^\s*(?:def|class) {re.escape(function)}\b", file, root)
        every = sorted((root / "tests" / "derivations").glob("test_*.py"))
        tests = [str(path.relative_to(root)) for path in every if lines_with(rf"\b{file.stem}\b", path, root)]
    return {
        "stated": lines_with(re.escape(f'"{record["label"]}"'), chapter, root)[:1],
        "defined" if record.get("established") == "definition" else "proved": proof,
        "tested": tests,
        "computed": computing(record["label"], root),
    }


SAYS = {
    "stated": "no cell states it",
    "proved": "in the cell that states it, whose subject is how one derives",
    "tested": "tests/derivations/test_derivations.py, with all derivations",
    "computed": "by no public function: it is a definition or a step on the way",
}


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Print the places of each record that is asked for; 1 if there is none."""
    if len(arguments) != 1:
        sys.stderr.write("which equation? make where EQ=12.7, or its label\n")
        return 2
    found = asked_for(arguments[0], records(root))
    if not found:
        sys.stderr.write(f"no equation has the number, the label or the source {arguments[0]!r}\n")
        return 1
    for record in found:
        sys.stdout.write(f"({record['number']})  {record['label']}  {record['chapter']}\n")
        study = Path("hesslib", "book", "studies", f"{Path(record['page']).stem}.py")
        for question, where in places(record, root).items():
            said = SAYS.get(question, "in the cell that states it")
            if question == "computed" and (root / study).is_file():
                said += f"; what the page computes is in {study}"
            sys.stdout.write(f"  {question:9} {', '.join(where) or said}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
