"""What a chapter calls: nothing is stated that does not hold."""

import json
import re
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from hesslib import _notebook
from hesslib.book import display as _display
from hesslib.book import ledger
from hesslib.book.ledger import Check, LedgerError
from hesslib.calculus.display import Displayed

EPS = float(np.finfo(np.float64).eps)
SOUND = Check("oracle", EPS, 10 * EPS)
FAILED = Check("JAX reverse mode", 0.25, 1e-12)


class Typeset(Displayed):
    """A formula that typesets itself, with what a chain of steps may say of itself."""

    __module__ = "hesslib.test"  # passes for one of the package

    def __init__(self, tex=r"E &= m c^2", established=None, checks=()):
        self.tex, self.checks = tex, checks
        if established:
            self.established = established

    def latex(self):
        return self.tex


@pytest.fixture(autouse=True)
def empty_ledger():
    ledger.forget()
    yield
    ledger.forget()


@pytest.fixture
def shown(monkeypatch):
    """The outputs of every call, instead of a display."""
    bundles = []
    monkeypatch.setattr(_display, "_show", bundles.append)
    return bundles


def record_of(bundle):
    return json.loads(bundle["text/markdown"].split("\n")[1])


# ---------------------------------------------------------------------------------------------------- stating


def test_a_result_is_shown_for_the_book_for_notebooks_and_for_terminals(shown):
    ledger.state(
        "backprop",
        Typeset(r"\delta &= \pd{E}{a} \\ &= 1"),
        source="PRML (5.56)",
        established="numeric",
        checks=[SOUND],
        scope="every depth",
        note="By $h'$ & more, as {eq}`b-def` says.",
    )
    formula, record = shown
    body = "\\begin{aligned}\n\\delta &= \\frac{\\partial E}{\\partial a} \\\\ &= 1\n\\end{aligned}"
    assert formula["text/markdown"] == f"$$\n{body}\n$$ (backprop)"
    assert formula["text/latex"] == f"$$\n{body}\n$$"
    assert formula["text/plain"] == r"(backprop)  \delta &= \frac{\partial E}{\partial a} \\ &= 1"
    assert record["text/markdown"].startswith("```{ledger-record}\n")
    assert record_of(record) == {
        "label": "backprop",
        "source": "PRML (5.56)",
        "established": "numeric",
        "checks": [{"oracle": "oracle", "agreement": EPS, "tolerance": 10 * EPS, "passed": True}],
        "scope": "every depth",
        "note": "By $h'$ & more, as {eq}`b-def` says.",
        "uses": [],
    }
    assert "<code>backprop</code> numeric · every depth · PRML (5.56)</summary>" in record["text/html"]
    assert "<td>2.2e-16</td><td>2.2e-15</td>" in record["text/html"]
    assert "<p>By $h'$ &amp; more, as <code>b-def</code> says.</p>" in record["text/html"]
    assert record["text/plain"] == (
        "numeric, every depth, PRML (5.56). oracle: 2.2e-16 (allowed 2.2e-15). By $h'$ & more, as {eq}`b-def` says."
    )


def test_a_record_with_nothing_more_to_say_does_not_unfold(shown):
    ledger.state("x", Typeset(), established="definition")
    assert shown[1]["text/html"] == "<div style='font-size:90%'><code>x</code> definition</div>"


@pytest.mark.parametrize(
    ("tex", "wrapped"),
    [
        ("a = b", False),
        (r"a &= b", True),
        (r"a = b \\ c = d", True),
        (r"\begin{aligned} a &= b \end{aligned}", False),
        (r"a &= \begin{cases} 1 & x > 0 \\ 0 \end{cases}", True),
        (r"a = \begin{cases} 1 & x > 0 \\ 0 \end{cases}", False),
        (r"\sum_{\substack{i \\ j}} \& \{ x \}", False),
    ],
)
def test_rows_are_put_in_an_aligned_environment_once(shown, tex, wrapped):
    ledger.state("x", Typeset(tex), established="definition")
    assert shown[0]["text/latex"].startswith("$$\n\\begin{aligned}\n" + tex[:1]) is wrapped


def test_a_blank_line_in_the_formula_does_not_end_the_display(shown):
    ledger.state("x", Typeset("a\n\n = b\n"), established="definition")
    assert shown[0]["text/markdown"] == "$$\na\n = b\n$$ (x)"


def test_a_record_cannot_break_out_of_its_directive(shown):
    ledger.state("x", Typeset(), established="definition", note="a\n```\nb `c`")
    assert shown[1]["text/markdown"].count("```") == 2
    assert record_of(shown[1])["note"] == "a\n```\nb `c`"


def test_the_formula_says_itself_how_it_is_known(shown):
    ledger.state("x", Typeset(established="derived", checks=[Check("normal form", 0, 0)]), checks=[SOUND])
    record = record_of(shown[1])
    assert record["established"] == "derived"
    assert [check["oracle"] for check in record["checks"]] == ["normal form", "oracle"]


def test_a_result_may_be_called_less_than_its_formula_says_but_not_more(shown):
    definition, approximation = Typeset(established="definition"), Typeset(established="approximation")
    ledger.state("a", definition, established="assumption")
    ledger.state("b", definition, established="numeric", checks=[SOUND])
    ledger.state("c", Typeset(established="derived"), established="numeric", checks=[SOUND])
    for formula, established in [(definition, "derived"), (definition, "instance"), (approximation, "numeric")]:
        with pytest.raises(LedgerError, match=f"established is '{established}', but the formula itself says"):
            ledger.state("d", formula, established=established, checks=[SOUND], note="n")


def test_a_failed_check_names_label_oracle_agreement_and_tolerance(shown):
    with pytest.raises(LedgerError, match=r"backprop: check failed: JAX reverse mode: 2.5e-01 \(allowed 1.0e-12\)"):
        ledger.state("backprop", Typeset(established="derived"), checks=[SOUND, FAILED])
    assert shown == []


def test_a_failed_check_of_the_formula_itself_counts(shown):
    with pytest.raises(LedgerError, match="JAX reverse mode"):
        ledger.state("backprop", Typeset(established="derived", checks=[FAILED]), checks=[SOUND])


@pytest.mark.parametrize("established", ["approximation", "derived", "instance", "numeric"])
def test_a_result_without_a_check_is_refused(shown, established):
    with pytest.raises(LedgerError, match=f"{established}, but no check"):
        ledger.state("x", Typeset(established=established), note="n")


def test_an_approximation_says_what_it_drops(shown):
    with pytest.raises(LedgerError, match="say what was dropped"):
        ledger.state("x", Typeset(), established="approximation", checks=[SOUND])
    ledger.state("x", Typeset(), established="approximation", checks=[SOUND], note="Drops a term of 3 percent.")


@pytest.mark.parametrize("established", [None, "proved", ""])
def test_how_a_result_is_known_must_be_said_in_the_words_of_the_ledger(shown, established):
    with pytest.raises(LedgerError, match="it must be one of definition, assumption"):
        ledger.state("x", Typeset(), established=established, checks=[SOUND])


@pytest.mark.parametrize("label", ["", "Backprop", "a_b", "a:b", "-a", "a-", "a--b", "a b", "é", "a\n"])
def test_labels_are_those_that_sphinx_leaves_alone(shown, label):
    with pytest.raises(LedgerError, match="label is"):
        ledger.state(label, Typeset(), established="definition")


@pytest.mark.parametrize("label", ["a", "5-94", "hessian-block-2", "x1"])
def test_the_anchor_of_a_good_label_is_the_label(shown, label):
    from docutils.nodes import make_id

    ledger.state(label, Typeset(), established="definition")
    assert make_id(f"equation-{label}") == f"equation-{label}"


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("E = mc^2", "formula is a typed string"),
        (3.0, "formula is a float"),
        (
            SimpleNamespace(latex=lambda: "x", established="derived"),
            "formula is a SimpleNamespace; it must be an equation",
        ),
        (type("Own", (Displayed,), {"latex": lambda self: "x"})(), "formula is a Own; it must be an equation"),
        (Typeset(" "), "must be the body of a display"),
        (Typeset(r"x \tag{5.56}"), r"contains \\tag"),
        (Typeset(r"$$x$$"), "contains"),
        (Typeset(r"\[x\]"), "contains"),
        (Typeset(r"\begin{align} x \end{align}"), "contains"),
    ],
)
def test_what_is_not_a_typeset_object_is_refused(shown, formula, message):
    with pytest.raises((TypeError, ValueError), match=message):
        ledger.state("x", formula, established="definition")


def test_reasons_with_inline_mathematics_and_row_spacing_are_allowed(shown):
    ledger.state("x", Typeset(r"a &= b && \text{as $b$ is} \\[2pt] &= c"), established="definition")
    assert shown


def test_something_else_than_a_check_is_refused(shown):
    with pytest.raises(TypeError, match=r"must hold what ledger\.compare returns"):
        ledger.state("x", Typeset(established="derived"), checks=[True])


# ---------------------------------------------------------------------------------------------------- claims


def test_a_claim_is_settled_with_its_verdict(shown):
    ledger.claim("HW-25", "WRONG", "The transpose is lost.", checks=[SOUND])
    assert record_of(shown[0]) == {
        "id": "HW-25",
        "source": "HW",
        "verdict": "WRONG",
        "established": "computed",
        "checks": [{"oracle": "oracle", "agreement": EPS, "tolerance": 10 * EPS, "passed": True}],
        "text": "The transpose is lost.",
    }


def test_a_claim_settled_by_reading_needs_no_check(shown):
    ledger.claim("HW-1", "OK", "As printed.", established="reading")
    with pytest.raises(LedgerError, match="computed, but no check"):
        ledger.claim("HW-2", "OK", "As printed.")


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("hw-1", "OK", "t"), {}, "id is 'hw-1'"),
        (("HW", "OK", "t"), {}, "id is 'HW'"),
        (("HW-1", "FINE", "t"), {}, "verdict is 'FINE'"),
        (("HW-1", "OK", ""), {}, "text is empty"),
        (("HW-1", "OK", "t"), {"established": "derived"}, "established is 'derived'"),
        (("HW-1", "OK", "t"), {"checks": [FAILED]}, "HW-1: check failed: JAX reverse mode"),
    ],
)
def test_a_claim_that_does_not_stand_is_refused(shown, arguments, options, message):
    with pytest.raises(LedgerError, match=re.escape(message)):
        ledger.claim(*arguments, **{"checks": [SOUND], **options})
    assert shown == []


# ---------------------------------------------------------------------------------------------------- once per notebook


class Shell:
    """A running notebook, as far as the ledger looks at it."""

    def __init__(self, monkeypatch, ids=True):
        self.ids, self.execution_count, self.user_ns = ids, 0, {"In": [""]}
        monkeypatch.setattr(_notebook, "shell", lambda: self)
        monkeypatch.setattr(_display, "shell", lambda: self)

    def run(self, source, cell=None):
        self.execution_count += 1
        self.user_ns["In"].append(source)
        self.metadata = {"cellId": cell} if self.ids else {}

    def get_parent(self):
        return {"metadata": self.metadata}


def state_x():
    ledger.state("x", Typeset(), established="definition")


@pytest.mark.parametrize("ids", [True, False])
def test_running_a_cell_again_is_allowed_and_another_cell_is_not(monkeypatch, shown, ids):
    shell = Shell(monkeypatch, ids)
    shell.run("state_x()", "one")
    state_x()
    shell.run("state_x()", "one")
    state_x()
    shell.run("state_x()  # again", "two")
    with pytest.raises(LedgerError, match="x: stated already in this notebook"):
        state_x()


def test_an_edited_cell_may_run_again(monkeypatch, shown):
    shell = Shell(monkeypatch)
    shell.run("state_x()", "one")
    state_x()
    shell.run("state_x()  # edited", "one")
    state_x()


def test_a_label_used_twice_by_one_run_of_a_cell_is_refused(monkeypatch, shown):
    Shell(monkeypatch).run("state_x(); state_x()", "one")
    state_x()
    with pytest.raises(LedgerError, match="stated already"):
        state_x()


def test_a_refused_result_does_not_take_its_label(shown):
    with pytest.raises(LedgerError):
        ledger.state("x", Typeset(established="derived"), checks=[FAILED])
    state_x()


def test_forget_frees_one_label_or_all(shown):
    state_x()
    ledger.forget("x")
    state_x()
    ledger.forget()
    state_x()
    ledger.forget("never stated")


# ---------------------------------------------------------------------------------------------------- surroundings


def test_in_a_plain_script_the_result_is_printed_and_nothing_heavy_is_imported():
    script = (
        "import sys\n"
        "from hesslib.book import ledger\n"
        "from hesslib.calculus.display import Displayed\n"
        "class F(Displayed):\n"
        "    __module__ = 'hesslib.test'\n"
        "    def latex(self): return r'a &= \\pd{b}{c}'\n"
        "ledger.state('x', F(), established='definition', source='PRML (5.1)')\n"
        "ledger.claim('HW-1', 'OK', 'As printed.', established='reading')\n"
        "heavy = {'IPython', 'jax', 'sphinx', 'sympy', 'torch'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout == (
        "(x)  a &= \\frac{\\partial b}{\\partial c}\ndefinition, PRML (5.1).\nHW-1 OK. As printed.\n"
    )
