r"""The Hessian of a network with two layers of weights: three blocks, and seven with biases.

The letters are those of :mod:`hesslib.derivations.two_layers`; primes mark the second parameter. :func:`both_upper`,
:func:`both_lower` and :func:`mixed` are (5.93) to (5.95) of PRML, derived step by step; :func:`entries` has every pair.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

import sympy as sp
from sympy import Expr, Indexed

from hesslib.calculus.derivation import unfold
from hesslib.calculus.index import Diff, KroneckerDelta, S
from hesslib.calculus.steps import Steps, require_equal
from hesslib.calculus.tidy import tidy

from . import deep_hessian
from .network import B, E, G, L, a, b, delta, hp, hpp, i, i_, j, j_, k, k_, l, m, n, w, z
from .two_layers import M, curvature_between, hidden_signal, of_depth_two, received, wrt, x

backpropagated = {delta: lambda y, unit: hidden_signal(unit) if y == 1 else delta[y, unit]}
r"""What $\delta^{(1)}$ is."""


def gradient_of(parameter: Indexed, /) -> Callable[[Expr], Expr]:
    """Insert the gradient that backpropagation gives."""
    D = wrt(parameter)
    return lambda e: e.replace(lambda q: q == Diff(parameter, E), lambda q: D(E))


# ----------------------------------------------------------------------------------------------- the three blocks
def both_upper() -> Steps:
    r"""$\partial^2E/\partial w^{(2)}_{kj}\partial w^{(2)}_{k'j'}=z_jz_{j'}M_{kk'}$."""
    first, second = w[2, k, j], w[2, k_, j_]
    D = wrt(second)
    s = Steps(D.named(Diff(first, E)))
    s.then(D.named(delta[2, k] * z[1, j]), "gradient", using=gradient_of(first))
    s.then(D.named(delta[2, k]) * z[1, j], "$z^{(1)}_j$ lies below", by=D)
    moved = S("q", n[2], lambda q: M[k, q] * D.named(a[2, q]))
    s.then(moved * z[1, j], r"$\delta^{(2)}$ depends on $a^{(2)}$", by=D)
    return s.then(z[1, j] * z[1, j_] * M[k, k_], "$a^{(2)}$ is linear in $w^{(2)}$", by=D)


def both_lower() -> Steps:
    r"""The block of two weights of the first layer."""
    first, second = w[1, j, i], w[1, j_, i_]
    D = wrt(second)
    s = Steps(D.named(Diff(first, E)))
    s.then(D.named(delta[1, j] * x[i]), "gradient", using=gradient_of(first))
    s.then(x[i] * D.named(hidden_signal(j)), "backpropagation", using=backpropagated, by=D)
    carried = S("k", n[2], lambda k: w[2, k, j] * D.named(delta[2, k]))
    s.then(x[i] * hpp(1, j) * D.named(a[1, j]) * received(j) + x[i] * hp(1, j) * carried, "product rule", by=D)
    return s.then(
        x[i] * x[i_] * hpp(1, j) * KroneckerDelta(j, j_) * received(j)
        + x[i] * x[i_] * hp(1, j) * hp(1, j_) * curvature_between(j, j_),
        "chain rule",
        by=D,
    )


def mixed() -> Steps:
    r"""One weight in each layer, by the shorter way: the gradient of the second layer moved by the first."""
    first, second = w[2, k_, j_], w[1, j, i]
    D = wrt(second)
    s = Steps(D.named(Diff(first, E)))
    s.then(D.named(delta[2, k_] * z[1, j_]), "gradient", using=gradient_of(first))
    s.then(delta[2, k_] * D.named(z[1, j_]) + z[1, j_] * D.named(delta[2, k_]), "product rule", by=D)
    moved = S("k", n[2], lambda k: M[k, k_] * w[2, k, j] * hp(1, j) * x[i])
    s.then(delta[2, k_] * KroneckerDelta(j, j_) * hp(1, j) * x[i] + z[1, j_] * moved, "chain rule", by=D)
    curved = S("k", n[2], lambda k: w[2, k, j] * M[k, k_])
    return s.stated(x[i] * hp(1, j) * (delta[2, k_] * KroneckerDelta(j, j_) + z[1, j_] * curved))


def mixed_the_other_way() -> Steps:
    r"""The same entry in the other order, through the backpropagated signal."""
    first, second = w[1, j, i], w[2, k_, j_]
    D = wrt(second)
    s = Steps(D.named(Diff(first, E)))
    s.then(D.named(delta[1, j] * x[i]), "gradient", using=gradient_of(first))
    s.then(x[i] * D.named(hidden_signal(j)), "backpropagation", using=backpropagated, by=D)
    weights_move = S("k", n[2], lambda k: D.named(w[2, k, j]) * delta[2, k])
    signals_move = S("k", n[2], lambda k: w[2, k, j] * D.named(delta[2, k]))
    s.then(x[i] * hp(1, j) * (weights_move + signals_move), "product rule", by=D)
    return s.then(mixed().result, "insert, contract", by=D)


# --------------------------------------------------------------------------------------------------- the biases
PARAMETERS = {"W1": w[1, j, i], "b1": b[1, j], "W2": w[2, k, j], "b2": b[2, k]}
PRIMED = {"W1": w[1, j_, i_], "b1": b[1, j_], "W2": w[2, k_, j_], "b2": b[2, k_]}
BIAS_PAIRS = (("b2", "b2"), ("W2", "b2"), ("b1", "b1"), ("W1", "b1"), ("b1", "W2"), ("W1", "b2"), ("b1", "b2"))
"""The pairs of parameters of which one is a bias at least."""


def bias_entry(one: str, other: str, /) -> Steps:
    """The entry of two parameters, by their names: the gradient of the first, differentiated by the second."""
    first, second = PARAMETERS[one], PRIMED[other]
    D, gradient = wrt(second), wrt(first)(E)
    s = Steps(D.named(Diff(first, E)))
    s.then(D.named(gradient), "gradient", using=gradient_of(first))
    s.then(D(gradient), "worked out", by=D)
    in_first_layer = first.indices[0] == second.indices[0] == 1
    return s.stated(s.result.expand()) if in_first_layer else s


def entries() -> dict[tuple[str, str], Steps]:
    """All ten kinds of entries, by the names of their parameters."""
    return of_weights() | {pair: bias_entry(*pair) for pair in BIAS_PAIRS}


def of_weights() -> dict[tuple[str, str], Steps]:
    """The three entries of two weights, by the names of their parameters."""
    return {("W2", "W2"): both_upper(), ("W1", "W1"): both_lower(), ("W1", "W2"): mixed()}


def of_a_constant_input(one: str, other: str, weights: Mapping[tuple[str, str], Steps], /) -> Expr:
    r"""The rule for biases: in the formula for ``weights`` put 1 for inputs, and $I_{j0}=0$ for an upper bias."""
    e = weights[one.replace("b", "W"), other.replace("b", "W")].result.expand()
    inputs = {("b1", 0): x[i], ("b1", 1): x[i_], ("b2", 0): z[1, j], ("b2", 1): z[1, j_]}
    for position, name in enumerate((one, other)):
        if name == "b2" and "1" in one + other:
            e = e.xreplace({KroneckerDelta(j, j_): 0})
        e = e.xreplace({inputs[name, position]: 1}) if (name, position) in inputs else e
    return e


def rule_for_biases(found: Mapping[tuple[str, str], Steps] | None = None, /) -> tuple[Steps, ...]:
    """Every entry of a bias, proved equal to what the rule makes of the entry of weights.

    ``found`` are the entries, where they were derived before.
    """
    found = found or entries()
    for pair in BIAS_PAIRS:
        require_equal(found[pair].result, of_a_constant_input(*pair, found), f"the rule for {' and '.join(pair)}")
    return tuple(found[pair] for pair in BIAS_PAIRS)


# ---------------------------------------------------------------------------- the same from the formula for any depth
def from_any_depth(found: Mapping[tuple[str, str], Steps] | None = None, /) -> dict[str, Steps]:
    r"""The three blocks of layers L - 1 and L of a network of any depth, with G and B written out.

    They are the three entries of two weights at depth two; ``found`` are these, where they were derived before.
    """
    places = {
        "second": (w[L, k, j], w[L, k_, j_]),
        "first": (w[L - 1, j, i], w[L - 1, j_, i_]),
        "mixed": (w[L, k_, j_], w[L - 1, j, i]),
    }
    blocks = {name: deep_hessian.block(*weights) for name, weights in places.items()}
    written_out = functools.partial(_written_out, recursions=_recursions())
    for chain in blocks.values():
        chain.then(written_out(chain.result), "insert $G$ and $B$", using=written_out)
    two = found or of_weights()
    for name, pair in (("second", ("W2", "W2")), ("first", ("W1", "W1")), ("mixed", ("W1", "W2"))):
        require_equal(of_depth_two(blocks[name].result), two[pair].result, f"the {name} block at L = 2")
    return blocks


def _recursions() -> tuple[Steps, ...]:
    """The recursions of both families and their base cases."""
    of_G = deep_hessian.forward_response(), deep_hessian.forward_response_base()
    return (*of_G, deep_hessian.output_response(), deep_hessian.backward_response())


def _written_out(e: Expr, recursions: tuple[Steps, ...]) -> Expr:
    """Insert the recursions of both families until none is left; the layers are the two topmost ones."""
    forward, base, top, back = recursions

    def of_G(y: Expr, below: Expr, row: Expr, column: Expr) -> Expr:
        step = base.at({l: below}) if y == below else forward.at({m: y, l: below})
        return step.xreplace({k: row, j: column})

    def of_B(y: Expr, below: Expr, row: Expr, column: Expr) -> Expr:
        step = top.at({l: below}) if y == L else back.at({m: y, l: below})
        return step.xreplace({k: row, j: column})

    for definition in ({B: of_B}, {B: of_B}, {G: of_G}, {G: of_G}):
        e = unfold(e, definition)
    return sp.Add(*[tidy(term) for term in sp.Add.make_args(e.expand())])
