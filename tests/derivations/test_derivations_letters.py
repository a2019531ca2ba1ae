"""One import brings all letters of a layered network, and each is the network's own."""

from hesslib.calculus import index, steps
from hesslib.derivations import letters, network


def test_every_letter_is_the_network_s_own():
    assert all(getattr(letters, name) is getattr(network, name) for name in letters.LETTERS)


def test_a_star_import_brings_the_letters_and_the_words_of_the_calculus():
    page = {}
    exec("from hesslib.derivations.letters import *", page)
    assert page["Steps"] is steps.Steps
    assert page["refuse"] is steps.refuse
    assert page["S"] is index.S
    l, j, i = (page[name] for name in "lji")
    assert str(page["wrt_w"](l, j, i)(page["E"])) == "delta[l, j]*z[l - 1, i]"


def test_no_letter_is_given_twice_or_forgotten():
    assert len(set(letters.__all__)) == len(letters.__all__)
    short = {name for name in vars(network) if len(name.strip("_")) == 1 and not name.startswith("_")}
    rules = set(network.__all__) - {"Layered", "architecture", "error_signal"}
    assert (short | rules) - set(letters.__all__) == set()
