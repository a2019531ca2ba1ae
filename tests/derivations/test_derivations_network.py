"""The layered network: its letters, and what depends on what."""

from hesslib.derivations.network import L, z


def test_letters_have_a_name():
    assert repr(z)
    assert repr(L)
