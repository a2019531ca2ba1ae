"""The book's macros, spelled out in LaTeX."""

import pytest

from hesslib.calculus.macros import expand


def test_the_macros_are_spelled_out_and_a_brace_that_is_missing_is_named():
    assert expand(r"a\tran b") == r"a^{\mathsf T} b"
    for wrong in (r"\pd{E}", r"\pd{E}{w"):
        with pytest.raises(ValueError, match="brace"):
            expand(wrong)
