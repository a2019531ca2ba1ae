"""The recursions by the inputs and by the weights: proved, exact on instances, and every slip refused."""

import numpy as np
import pytest
from cases import Case, close

import hesslib
from hesslib.calculus.einsum_program import Program
from hesslib.calculus.index import Diff, S
from hesslib.derivations import input_derivatives as derived
from hesslib.derivations.exact_network_inputs import InputInstance
from hesslib.derivations.input_derivatives import Da, Dz, d, da, dda, ddG, ddz, dG, dz, e, x
from hesslib.derivations.network import G, a, b, definitions, h, hp, hpp, i, j, k, l, m, n, w, z

INSTANCE = InputInstance((2, 2, 3, 2), seed=3)
PLACE = {l: 2, m: 3, j: 2, i: 1, k: 2, d: 1, e: 2}


def places(steps, **layers):
    letters = steps.lhs.free_symbols | steps.result.free_symbols
    known = PLACE | {{"l": l, "m": m}[name]: value for name, value in layers.items()}
    one = {letter: value for letter, value in known.items() if letter in letters}
    other = {letter: 1 if letter in (d, e, k) else value for letter, value in one.items()}
    return [one, other]


FORWARD = {
    "a first": lambda: derived.first()[0],
    "z first": lambda: derived.first()[1],
    "a second": lambda: derived.second()[0],
    "z second": lambda: derived.second()[1],
}


@pytest.mark.parametrize("name", FORWARD)
@pytest.mark.parametrize("layer", [1, 2])
def test_forward_recursions_hold_exactly_on_an_instance(name: str, layer: int) -> None:
    steps = FORWARD[name]()
    assert steps.established == "derived"
    assert INSTANCE.verify(steps, places(steps, l=layer)).passed


def test_bases_hold_exactly_on_an_instance() -> None:
    for steps in (derived.first_base(), derived.second_base()):
        assert INSTANCE.verify(steps, [{i: r, d: c, e: c} for r in (1, 2) for c in (1, 2)]).passed


def test_rates_of_the_responses_hold_exactly_from_above_and_from_below() -> None:
    for steps in derived.response_rates():
        assert INSTANCE.verify(steps, places(steps, m=3, l=1) + places(steps, m=3, l=2)).passed
    for steps in derived.backward_rates():
        assert INSTANCE.verify(steps, places(steps, m=3, l=1)).passed


QUANTITIES = {"a": (a, ()), "da": (da, (d,)), "dda": (dda, (d, e))}


@pytest.mark.parametrize("quantity", QUANTITIES)
@pytest.mark.parametrize("variable", [w[l, j, i], b[l, j]], ids=["weight", "bias"])
def test_derivatives_by_parameters_follow_by_induction_and_hold_exactly(quantity: str, variable) -> None:
    head, inputs = QUANTITIES[quantity]
    base = derived.weight_base(head[(l, k, *inputs)], variable)
    step = derived.weight_step(head[(m, k, *inputs)], variable)
    assert len(base.decisions) >= 3
    assert len(step.decisions) >= 3
    claim = derived.response(head[(m, k, *inputs)], variable)
    for lower in (1, 2):
        check = INSTANCE.agree(Diff(variable, head[(m, k, *inputs)]), claim, places(step, m=3, l=lower))
        assert check.passed


def test_layers_leave_their_bend_behind() -> None:
    steps = derived.curvature()
    assert INSTANCE.verify(steps, places(steps, m=3, l=2) + places(steps, m=3, l=3)).passed


def test_the_laplacian_is_carried_as_one_array() -> None:
    pre, post = derived.laplacian()
    assert pre.established == post.established == "derived"
    refused = post.refuses(hpp(l, j) * S("d", n[0], lambda d: da[l, j, d]) ** 2 + hp(l, j) * Da[l, j], "squared sum")
    assert refused.checks


def test_outputs_have_the_derivatives_of_a_composed_function() -> None:
    rate, second = derived.outputs()
    assert rate.established == second.established == "derived"


def test_slips_are_refused() -> None:
    pre, post = derived.second()
    bend = hpp(l, j) * da[l, j, d] * da[l, j, e]
    post.refuses(bend, "the curvature of the layers before")
    post.refuses(bend + hpp(l, j) * dda[l, j, d, e], "a prime too many")
    post.refuses(hpp(l, j) * da[l, j, d] ** 2 + hp(l, j) * dda[l, j, d, e], "one input for two")
    pre.refuses(S("i", n[l - 1], lambda i: w[l, j, i] ** 2 * ddz[l - 1, i, d, e]), "weights squared")
    step = derived.weight_step(dda[m, k, d, e], w[l, j, i])
    right = step.result
    for slip in (
        right - G[m, l, k, j] * ddz[l - 1, i, d, e],
        right - ddG[m, l, k, j, d, e] * z[l - 1, i],
        right - dG[m, l, k, j, d] * dz[l - 1, i, e],
    ):
        step.refuses(slip, "a term of the product rule")
    _, second_rate = derived.backward_rates()
    third = h(a[l, j]).fdiff().fdiff().fdiff()
    carried = S("q", n[l + 1], lambda q: G[m, l + 1, k, q] * w[l + 1, q, j])
    second_rate.refuses(second_rate.result - third * da[l, j, d] * da[l, j, e] * carried, "no third derivative")


def test_compiled_recursions_compute_what_the_package_does() -> None:
    case = Case((3, 4, 3, 2), ("tanh", "gelu"), "squared_error")
    (of_da, of_dz), (of_dda, of_ddz) = derived.first(), derived.second()
    program = Program("derived", "L, w, b, x, h0, h1, h2, eye")
    program.line("z, dz, ddz = {0: x}, {0: eye(len(x), x.shape[1])}, {}")
    program.line("ddz[0] = 0 * dz[0][:, :, :, None] + 0 * x[:, None, None, :]")
    program.line("a, da, dda = {}, {}, {}")
    with program.loop(l, 1, derived.L):
        program.assign(a[l, j], definitions[a](l, j))
        program.assign(da[l, j, d], of_da.result)
        program.assign(dda[l, j, d, e], of_dda.result)
        program.assign(z[l, j], definitions[z](l, j))
        program.assign(dz[l, j, d], of_dz.result)
        program.assign(ddz[l, j, d, e], of_ddz.result)
    program.line("return da[L], dda[L]")
    W, bias = case.net.layers(case.w)
    tanh = hesslib.Network((1, 1, 1)).activation[0]
    net = hesslib.Network((3, 4, 3, 2))
    first, second = program.function(np)(
        3, W, bias, case.x, tanh, tanh.first, tanh.second, lambda N, D: np.broadcast_to(np.eye(D), (N, D, D))
    )
    close(first, hesslib.input_jacobian(net, case.w, case.x), case.rounding)
    close(second, hesslib.input_hessian(net, case.w, case.x), case.rounding)


def test_inputs_and_the_sum_of_derivatives_have_exact_values() -> None:
    assert INSTANCE.number(x[1], {}) == INSTANCE.number(z[0, 1], {})
    assert Dz.rank == Da.rank == 1
