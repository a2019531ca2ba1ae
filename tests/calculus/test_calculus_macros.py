"""The book's macros, spelled out in LaTeX."""

import re

import pytest

from hesslib.calculus.macros import MACROS, expand


def test_the_macros_are_spelled_out_and_a_brace_that_is_missing_is_named():
    assert expand(r"a\tran b") == r"a^{\mathsf T} b"
    for wrong in (r"\pd{E}", r"\pd{E}{w"):
        with pytest.raises(ValueError, match="brace"):
            expand(wrong)


@pytest.mark.parametrize(
    ("written", "spelled_out"),
    [
        (r"\pd{E}{w}", r"\frac{\partial E}{\partial w}"),
        (r"\pdd{E}{a}{b}", r"\frac{\partial^2 E}{\partial a\,\partial b}"),
        (r"\lay{\kron{jk}}{l+1}", r"{I_{jk}}^{(l+1)}"),
        (r"\layT{W}{l}", r"{W}^{(l)\mathsf{T}}"),
        (r"\pd {E} {w_{ji}}", r"\frac{\partial E}{\partial w_{ji}}"),
        (r"a\had b", r"a\odot b"),
        (r"\Rop{\{x\}}", r"\mathcal{R}\{\{x\}\}"),
        (r"\alpha\{x\}", r"\alpha\{x\}"),
        ("no macro", "no macro"),
    ],
)
def test_a_macro_is_replaced_by_what_it_stands_for(written, spelled_out):
    assert expand(written) == spelled_out


def test_every_macro_takes_as_many_arguments_as_its_definition_mentions():
    for definition in MACROS.values():
        body, count = (definition, 0) if isinstance(definition, str) else definition
        assert {int(n) for n in re.findall(r"#(\d)", body)} == set(range(1, count + 1))
        assert body.count("{") == body.count("}")
