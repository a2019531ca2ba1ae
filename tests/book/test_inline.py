"""A number put into the prose is kept as MyST-NB keeps it, and shown nowhere else."""

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.testing.globalipapp import start_ipython
from IPython.utils.capture import capture_output

from hesslib.book.inline import glue, powers_of_ten


def test_outside_a_notebook_nothing_happens(capsys):
    InteractiveShell.clear_instance()
    glue("ratio", "2.1")
    assert capsys.readouterr().out == ""


def test_it_writes_what_myst_nb_writes():
    from myst_nb import glue as of_myst_nb

    ipython = start_ipython() or InteractiveShell.instance()
    with capture_output() as ours:
        ipython.run_cell("from hesslib.book.inline import glue; glue('ratio', '2.1')")
    with capture_output() as theirs:
        of_myst_nb("ratio", "2.1", display=False)
    assert [(o.data, o.metadata) for o in ours.outputs] == [(o.data, o.metadata) for o in theirs.outputs] != []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("1e-08", "10⁻⁸"),
        ("2.5e+03", "2.5·10³"),
        ("-1e-05 ± 3e-06", "-10⁻⁵ ± 3·10⁻⁶"),
        ("7e+00", "7"),
        ("1e100", "1e100"),
        ("0.81", "0.81"),
        ("issue 12e-01x", "issue 12e-01x"),
    ],
)
def test_a_sentence_has_powers_of_ten(text, shown):
    assert powers_of_ten(text) == shown


def test_a_bare_number_is_refused():
    with pytest.raises(TypeError):  # by beartype here, by glue itself where types are not enforced
        glue("ratio", 2.1)  # type: ignore[arg-type]
