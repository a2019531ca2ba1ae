"""The letters of a layered network, for ``from hesslib.derivations.letters import *`` at the top of a page.

Widths n, depth L, layers l and m, units i, j, k, ...; weights w, biases b, pre-activations a, activations z, errors
delta; h and its slopes hp, hpp; E, M, G, B; and of the calculus S (a sum), Diff (a named derivative), Steps (a chain).
"""

from hesslib.calculus.index import Diff, KroneckerDelta, S, Tensor, index
from hesslib.calculus.steps import Formula, Steps, refuse

from . import network

LAYERS_AND_UNITS = ["l", "m", "L", "i", "j", "k", "p", "q", "i_", "j_", "k_", "n"]
QUANTITIES = ["w", "b", "v", "u", "a", "z", "delta", "M", "G", "B", "E", "R", "h", "hp", "hpp"]
RULES = ["wrt_a", "wrt_b", "wrt_w", "definitions", "order"]
LETTERS = [*LAYERS_AND_UNITS, *QUANTITIES, *RULES]

globals().update({name: getattr(network, name) for name in LETTERS})

__all__ = ["Diff", "Formula", "KroneckerDelta", "S", "Steps", "Tensor", "index", "refuse", *LETTERS]  # noqa: PLE0604
