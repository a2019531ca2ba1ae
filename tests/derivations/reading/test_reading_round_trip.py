"""Reading undoes printing: a formula of the book, printed as LaTeX and read again, is the same object."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import pytest

import hesslib.derivations
from hesslib.calculus.index import signature
from hesslib.calculus.latex import tex, with_letters
from hesslib.calculus.normal import equal
from hesslib.calculus.steps import Formula, Steps
from hesslib.derivations.reading.grammar import parse
from hesslib.derivations.reading.meaning import read
from hesslib.derivations.reading.scanner import scan
from hesslib.derivations.reading.vocabulary import Vocabulary

SLOW = {
    "evidence",
    "reconfiguration",
    "input_derivatives",
    "random_probes",
    "mixed_partials",
    "diffusion",
    "r_operator",
}
"""Modules whose chains take long to derive; a letter of theirs is read like any other."""
MODULES = sorted(info.name for info in pkgutil.iter_modules(hesslib.derivations.__path__) if not info.ispkg)


def chains(module):
    """Every chain and formula that a module derives, by name."""
    found = importlib.import_module(f"hesslib.derivations.{module}")
    for name, function in inspect.getmembers(found, inspect.isfunction):
        wanted = inspect.signature(function).parameters.values()
        if function.__module__ != found.__name__ or name.startswith("_") or any(q.default is q.empty for q in wanted):
            continue
        waiting = [function()]
        while waiting:
            x = waiting.pop()
            if isinstance(x, (tuple, list)):
                waiting += x
            elif isinstance(x, dict):
                waiting += x.values()
            elif isinstance(x, (Steps, Formula)):
                yield f"{module}.{name}", x


def members(x):
    return [x.lhs, *([e for _, e, _ in x.rows] if isinstance(x, Steps) else [x.rhs])]


def again(e, around):
    """The formula, printed with the ends of its sums and read."""
    text = tex(e, limits=True)
    words = Vocabulary.of(e, *around)
    return read(parse(scan(text, names=words.spellings), text), words, text)


@pytest.mark.parametrize("module", [name for name in MODULES if name not in SLOW])
def test_a_formula_that_is_printed_and_read_again_is_the_same(module):
    for name, x in chains(module):
        for e in [with_letters(side)[0] for side in members(x)]:
            found = again(e, members(x))
            assert signature(found) == signature(e) or equal(found, e), f"{name}: {tex(e)}"
