"""A number put into the prose is kept as MyST-NB keeps it, and shown nowhere else."""

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.testing.globalipapp import start_ipython
from IPython.utils.capture import capture_output

from hesslib.book.inline import glue


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


def test_a_bare_number_is_refused():
    with pytest.raises(TypeError):  # by beartype here, by glue itself where types are not enforced
        glue("ratio", 2.1)  # type: ignore[arg-type]
