"""Explicit networks in exact arithmetic: known values, derivatives, and what has no value."""

import pytest

from hesslib.calculus.index import Diff, Tensor
from hesslib.derivations.exact_network import Instance
from hesslib.derivations.network import E, a, j, l, n

NETWORK = Instance((2, 2, 2, 2), seed=3)


def test_an_instance_says_what_it_has_no_value_for():
    with pytest.raises(KeyError, match="has no value for"):
        NETWORK.number(Tensor("q", shape=(n[l],))[j], {l: 1, j: 1})
    with pytest.raises(ValueError, match="first and second derivatives"):
        NETWORK.number(Diff(a[l, j], Diff(a[l, j], Diff(a[l, j], E))), {l: 1, j: 1})
    with pytest.raises(ValueError, match="no index values"):
        NETWORK.agree(E, E, [])
