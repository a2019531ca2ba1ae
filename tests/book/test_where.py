"""From the number of an equation to its cell, its proof, the tests of that, and the code that computes it."""

import json
import os

import pytest
import where

PROOF = '''
def signal():
    """A chain."""
'''
CODE = '''
def gradient():
    """The gradient of the error.

    Equation: the-signal, another.
    Shapes: none.
    """


def unrelated():
    """Not the-signal.

    Equation: the-signal-below.
    """
'''


@pytest.fixture
def house(tmp_path):
    """A house with one equation in each room."""
    records = [
        {"label": "the-signal", "number": "2.1", "source": "PRML 5.56", "program": "hesslib.derivations.passes.signal"},
        {"label": "the-start", "number": "2.10", "source": "PRML 5.5", "established": "definition"},
    ]
    files = {
        "chapters/part/page.md": 'See {eq}`the-signal`.\n\nledger.state("the-signal", chain)\n',
        "_toc.yml": "",
        "hesslib/derivations/passes.py": PROOF,
        "hesslib/derivatives/backprop.py": CODE,
        "tests/derivations/test_derivations_passes.py": "from hesslib.derivations import passes\n",
        "tests/derivations/test_other.py": "bypasses = 1\n",
        "_build/html/ledger.json": json.dumps(
            {"equations": [{**record, "page": "chapters/part/page.html", "chapter": "Page"} for record in records]}
        ),
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
        os.utime(tmp_path / name, (1, 1))
    return tmp_path


@pytest.mark.parametrize("what", ["2.1", "the-signal", "5.56"])
def test_number_label_and_number_of_the_source_lead_to_every_place(house, capsys, what):
    assert where.main([what], house) == 0
    assert capsys.readouterr().out.splitlines() == [
        "(2.1)  the-signal  Page",
        "  stated    chapters/part/page.md:3",
        "  proved    hesslib/derivations/passes.py:2",
        "  tested    tests/derivations/test_derivations_passes.py",
        "  computed  hesslib/derivatives/backprop.py:2 gradient",
    ]


def test_where_there_is_no_proof_or_code_it_says_why(house, capsys):
    assert where.main(["2.10"], house) == 0
    said = capsys.readouterr().out
    assert "defined   in the cell that states it" in said
    assert "proved" not in said
    assert "by no public function" in said
    assert "studies" not in said
    study = house / "hesslib" / "book" / "studies" / "page.py"
    study.parent.mkdir(parents=True)
    study.write_text("", encoding="utf-8")
    assert where.main(["2.10"], house) == 0
    assert "what the page computes is in hesslib/book/studies/page.py" in capsys.readouterr().out


def test_what_is_no_equation_is_told(house, capsys):
    assert where.main(["9.9"], house) == 1
    assert "'9.9'" in capsys.readouterr().err
    assert where.main([], house) == 2


def test_a_book_that_is_older_than_its_pages_is_not_believed(house):
    os.utime(house / "chapters" / "part" / "page.md", (2, 2))
    with pytest.raises(SystemExit, match=r"page\.md is newer"):
        where.main(["2.1"], house)
    (house / "_build" / "html" / "ledger.json").unlink()
    with pytest.raises(SystemExit, match="make book"):
        where.main(["2.1"], house)
