"""A formula that a reader changes is decided beside the one that was derived, from plain data, without the chapter."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import sympy as sp
from test_reading_round_trip import MODULES, SLOW, chains

from hesslib.calculus.index import Operator, S, Tensor, Width, elementwise, index
from hesslib.calculus.steps import Steps
from hesslib.derivations import backpropagation
from hesslib.derivations.reading.beside import Sheet, check_sheet, judged_on
from hesslib.derivations.reading.declared import UnsayableError, as_data, from_data
from hesslib.derivations.reading.judgement import MAX_WORK, Work
from hesslib.derivations.reading.vocabulary import Vocabulary

ROOT = Path(__file__).resolve().parents[3]
i, j, k = index("i j k")
N = sp.Symbol("N", integer=True, positive=True)
x, A = Tensor("x", shape=(N,)), Tensor("A", shape=(N, N), symmetric=True)


def sheet_of(chain):
    around = [e for _, e, _ in chain.rows] if isinstance(chain, Steps) else []
    return Sheet.of([(chain.lhs, chain.result)], *around)


@pytest.mark.parametrize("module", [name for name in MODULES if name not in SLOW])
def test_every_derivation_gets_a_sheet_on_which_it_holds_and_its_opposite_does_not(module):
    for name, chain in chains(module):
        if chain.established not in ("derived", "conditional"):
            continue
        sheet = sheet_of(chain)
        assert sheet is not None, name
        told = json.loads(json.dumps(sheet.data()))
        assert judged_on(sheet.text, told, Work(MAX_WORK)).holds is True, name
        left, right = sheet.text.split(" = ", 1)
        if chain.result != 0 and chain.lhs != 0:
            wrong = f"{left} = -\\left({right}\\right)"
            found = judged_on(wrong, told, Work(MAX_WORK))
            assert found.holds is not True or found.condition, f"{name}: {wrong}"


def normalised(name):
    (chain,) = (chain for found, chain in chains("normalisation") if found == f"normalisation.{name}")
    return json.loads(json.dumps(sheet_of(chain).data()))


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("mean", r"\frac{\partial \mu}{\partial x_j} = \frac{2}{2 K}", r"\frac{\partial \mu}{\partial x_j} = K"),
        (
            "scale",
            r"\frac{\partial r}{\partial x_j} = -\frac{1}{K} r^3 (x_j - \mu)",
            r"\frac{\partial r}{\partial x_j} = -\frac{1}{K} r^2 (x_j - \mu)",
        ),
        (
            "scale",
            r"\frac{\partial r}{\partial x_j} = -\frac{x_j - \mu}{K (v + \epsilon)^{3/2}}",
            r"\frac{\partial r}{\partial x_j} = -\frac{x_j - \mu}{K (v + \epsilon)^{1/2}}",
        ),
        (
            "variance",
            r"\frac{\partial v}{\partial x_j} = \frac{2}{K} (x_j - \frac{1}{K} \sum_k x_k)",
            r"\frac{\partial v}{\partial x_j} = \frac{2}{K} (x_j - \sum_k x_k)",
        ),
    ],
)
def test_what_a_letter_stands_for_is_on_the_sheet(name, right, wrong):
    sheet = normalised(name)
    assert sheet["words"]["defined"]
    assert check_sheet(right, sheet).holds is True
    assert check_sheet(wrong, sheet).holds is not True


def test_a_network_is_decided_by_its_definitions_and_not_by_comparison():
    sheet = sheet_of(backpropagation.signal())
    assert sheet.words == "book"
    assert check_sheet(r"z_j^{(l)} = h(a_j^{(l)})", sheet.data()).holds is True


def test_what_differs_is_said_in_the_letters_of_the_page():
    square = S("i", N, lambda i: x[i] ** 2)
    sheet = Sheet.of([(sp.Symbol("q"), square)]).data()
    wrong = check_sheet(r"q = \sum_i x_i", sheet)
    assert wrong.holds is False
    assert wrong.lacks == (r"\sum_{i} x_{i}^{2}",)
    assert wrong.instead == (r"\sum_{i} x_{i}",)
    assert wrong.slips == (r"square lost: of x_{i}",)
    assert wrong.nearest == r"q = \sum_{i} x_{i}^{2}"
    assert "against" in wrong.counterexample


def test_the_same_in_another_arrangement_holds():
    (_, chain), *_ = [pair for pair in chains("inverse_updates") if pair[0].endswith("sherman_morrison")]
    sheet = sheet_of(chain)
    left, right = sheet.text.split(" = ", 1)
    assert check_sheet(f"{right} = {left}", sheet.data()).holds is True
    assert check_sheet(f"2 {left} = {right} + {left}", sheet.data()).holds is True


def test_of_a_foreign_equation_nothing_is_said_that_is_not_known():
    sheet = Sheet.of([(sp.Symbol("y"), sp.Symbol("b") ** 2)]).data()
    assert check_sheet("b = b b", sheet).holds is None
    assert check_sheet("b b = b^2", sheet).holds is True
    assert check_sheet("y = q", sheet).holds is None
    assert "q is no letter" in check_sheet("y = q", sheet).reason


def test_several_equations_stand_on_one_sheet():
    sheet = Sheet.of([(sp.Symbol("y"), 2 * sp.Symbol("b")), (sp.Symbol("c"), sp.Symbol("b") ** 2)])
    assert sheet.text.count("&=") == 2
    assert check_sheet(sheet.text, sheet.data()).holds is True
    wrong = check_sheet(sheet.text.replace("2", "3", 1), sheet.data())
    assert [link.holds for link in wrong.links] == [False, True]


def test_equations_may_be_about_what_stands_in_the_others():
    y, z, b, c = sp.symbols("y z b c")
    sheet = Sheet.of([(z, y + c), (y, b**2)])
    assert sheet is not None
    told = sheet.data()
    assert check_sheet(sheet.text, told).holds is True
    assert check_sheet("z = b^2 + c", told).holds is True
    assert check_sheet("z - c = y", told).holds is True
    assert check_sheet("z = b + c", told).holds is False
    assert check_sheet("y = b", told).holds is False


def test_a_refused_formula_stands_on_the_sheet_and_is_refused_there():
    sheet = Sheet.of([(sp.Symbol("y"), sp.Symbol("b") ** 2)], wrong=2 * sp.Symbol("b"))
    assert sheet.text == "y = 2 b"
    assert check_sheet(sheet.text, sheet.data()).holds is False
    assert check_sheet("y = b^2", sheet.data()).holds is True


def test_what_is_not_read_again_has_no_sheet():
    assert Sheet.of([(sp.Symbol("y"), sp.Integral(sp.Symbol("b"), sp.Symbol("b")))]) is None
    assert Sheet.of_text(r"\delta_j^{(l)} = 0") is None
    assert Sheet.of_text(r"q = \int") is None


def test_letters_survive_the_way_through_json():
    n = Width("n", layers=1)
    w = Tensor(
        "w", layers=1, shape=lambda l: (n[l], n[l - 1]), between=(1, sp.Symbol("L", integer=True, positive=True))
    )
    mu = sp.Symbol("mu", positive=True)
    h = elementwise("h")
    words = Vocabulary.of(mu * h(w[2, j, k]) * x[i] * A[i, j] / 2, Operator("R"))
    again = from_data(json.loads(json.dumps(as_data(words))))
    assert again == words
    assert again.tensors["w"].sizes(3) == w.sizes(3)
    assert again.tensors["A"].symmetric
    assert again.symbols[r"\mu"].is_positive


def test_a_letter_that_has_no_form_as_data_is_refused():
    with pytest.raises(UnsayableError, match="no form as data"):
        as_data(Vocabulary(symbols={"f": sp.Function("f")(sp.Symbol("x"))}))
    with pytest.raises(UnsayableError, match="what is assumed of q"):
        as_data(Vocabulary(symbols={"q": sp.Symbol("q", prime=True)}))


def test_the_engine_and_the_reader_import_nothing_but_sympy_and_lark():
    program = r"""
import importlib.abc
import sys

class Forbidden(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"numpy", "scipy", "jaxtyping", "yaml", "array_api_compat", "tqdm", "IPython"}:
            raise ImportError(f"{name} is not there")

sys.meta_path.insert(0, Forbidden())
from hesslib.derivations import check_latex
from hesslib.derivations import backpropagation
from hesslib.derivations.reading.beside import Sheet, check_sheet
import sympy as sp

wrong = check_latex(r"\delta_j = \sum_k w_{jk} \delta_k", notation="prml")
assert wrong.holds is False and len(wrong.slips) == 2, wrong
sheet = Sheet.of([(sp.Symbol("y"), sp.Symbol("b") ** 2)]).data()
assert check_sheet("y = b", sheet).holds is False
foreign = {name.split(".")[0] for name in sys.modules} - set(sys.stdlib_module_names)
known = {"hesslib", "sympy", "mpmath", "lark", "gmpy2"}
assert {name for name in foreign if not name.startswith("_")} <= known, foreign
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_data_of_letters_are_in_one_order_whatever_came_first():
    x, y = sp.symbols("x y")
    t, s = Tensor("t", shape=(3,)), Tensor("s", shape=(3,))
    one, other = (Vocabulary.of(*formulas) for formulas in ((x, t[1], y, s[1]), (s[1], y, t[1], x)))
    defined = {"y": ((), "x"), "x": ((), "2")}
    again = dict(reversed(defined.items()))
    assert json.dumps(as_data(one, defined)) == json.dumps(as_data(other, again))
