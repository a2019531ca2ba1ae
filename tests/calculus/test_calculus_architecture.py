"""Architectures: definitions and their order, from which signals, exact instances and programs follow."""

import inspect
import itertools
from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp

from hesslib.calculus.architecture import Architecture
from hesslib.calculus.exact_instance import ExactInstance, NoRootError
from hesslib.calculus.gradient_program import gradient_program
from hesslib.calculus.index import S, Tensor, Width, elementwise, index
from hesslib.calculus.let import Let

jax.config.update("jax_enable_x64", True)

l, m, L = sp.symbols("l m L", integer=True, positive=True)
N, K, T = sp.symbols("N K T", integer=True, positive=True)
i, j, k, t = index("i j k t")
n = Width("n", layers=1)
E, eps = sp.Symbol("E"), sp.Symbol("epsilon", positive=True)
h = elementwise("h")


@dataclass
class Case:
    """An architecture; where its signals are compared, at which sizes; and its error as a program for JAX."""

    net: Architecture
    places: tuple
    sizes: dict
    numbers: dict
    wanted: tuple
    shapes: dict
    error: Callable


def free(name, *shape, **kw):
    return Tensor(name, shape=shape, independent=True, **kw)


def layered(name, *sizes, first=1, **kw):
    def shape(y):
        return tuple(s(y) if callable(s) else s for s in sizes)

    return Tensor(name, layers=1, shape=shape, between=(first, L), **kw)


def residual():
    r"""$z^{(l)}=z^{(l-1)}+h(a^{(l)})$."""

    w, b = layered("w", N, N, independent=True), layered("b", N, independent=True)
    a, z, c = layered("a", N, pattern=True), layered("z", N, pattern=True, first=0), free("c", N, pattern=True)
    net = Architecture(
        {
            a: lambda y, j: S("i", N, lambda i: w[y, j, i] * z[y - 1, i]) + b[y, j],
            z: lambda y, j: z[y - 1, j] + h(a[y, j]),
            E: lambda: S("k", N, lambda k: c[k] * z[L, k] ** 2),
        },
        layers=(1, L),
    )
    places = (a[l, j], z[l, j], w[l, j, i], b[l, j], z[L, j], a[L, j], c[j])
    sizes = {N: 2, L: 3}
    wanted = (w, b)
    numbers = {N: 2, L: 3}
    shapes = {"w": (3, 2, 2), "b": (3, 2), "c": (4, 2), "z_0": (4, 2)}

    def error(w, b, c, z_0):
        z = z_0
        for W, bias in zip(w, b, strict=True):
            z = z + jnp.tanh(z @ W.T + bias)
        return jnp.sum(c * z**2)

    return Case(net, places, sizes, numbers, wanted, shapes, error)


def layer_normalisation():
    r"""$\hat x_i=(x_i-\mu)/\sqrt{v+\epsilon}$, for each of $T$ rows."""

    x, gain, c = free("x", T, K), free("g", K), free("c", T, K)
    mu = Let(Tensor("mu", shape=(T,)), lambda t: S("i", K, lambda i: x[t, i]) / K)
    v = Let(
        Tensor("v", shape=(T,)),
        lambda t: S("i", K, lambda i: (x[t, i] - mu[t]) ** 2) / K,
    )
    xhat = Let(
        Tensor("xhat", shape=(T, K)),
        lambda t, i: (x[t, i] - mu[t]) / sp.sqrt(v[t] + eps),
    )
    net = Architecture(
        {
            mu: None,
            v: None,
            xhat: None,
            E: lambda: S(
                "t",
                T,
                lambda t: S(
                    "i",
                    K,
                    lambda i: c[t, i] * h(gain[i] * xhat[t, i]),
                ),
            ),
        }
    )
    places = (x[t, i], mu[t], v[t], xhat[t, i], gain[i])
    sizes = {T: 2, K: 2}
    wanted = (x, gain)
    numbers = {T: 3, K: 4}
    shapes = {"x": (3, 4), "g": (4,), "c": (3, 4), "epsilon": ()}

    def error(x, g, c, epsilon):
        centred = x - x.mean(1, keepdims=True)
        return jnp.sum(c * jnp.tanh(g * centred / jnp.sqrt((centred**2).mean(1, keepdims=True) + epsilon)))

    return Case(net, places, sizes, numbers, wanted, shapes, error)


def attention():
    r"""$o_{td}=\sum_uP_{tu}v_{ud}$ with $P_{tu}=e^{s_{tu}}/Z_t$: softmax over positions."""

    q, kk, v, c = free("q", T, K), free("k", T, K), free("v", T, K), free("c", T, K)
    s = Let(
        Tensor("s", shape=(T, T)),
        lambda t, u: S("d", K, lambda d: q[t, d] * kk[u, d]) / sp.sqrt(K),
    )
    Z = Let(Tensor("Z", shape=(T,)), lambda t: S("u", T, lambda u: sp.exp(s[t, u])))
    P = Let(Tensor("P", shape=(T, T)), lambda t, u: sp.exp(s[t, u]) / Z[t])
    o = Let(Tensor("o", shape=(T, K)), lambda t, d: S("u", T, lambda u: P[t, u] * v[u, d]))
    net = Architecture(
        {
            s: None,
            Z: None,
            P: None,
            o: None,
            E: lambda: S("t", T, lambda t: S("d", K, lambda d: c[t, d] * h(o[t, d]))),
        }
    )
    places = (q[t, i], kk[t, i], v[t, i], Z[t], P[t, j], s[t, j])
    sizes = {T: 2, K: 1}
    wanted = (q, kk, v)
    numbers = {T: 3, K: 4}
    shapes = {"q": (3, 4), "k": (3, 4), "v": (3, 4), "c": (3, 4)}

    def error(q, k, v, c):
        return jnp.sum(c * jnp.tanh(jax.nn.softmax(q @ k.T / jnp.sqrt(q.shape[1]), axis=1) @ v))

    return Case(net, places, sizes, numbers, wanted, shapes, error)


def recurrent():
    r"""$z^{(l)}=h(Uz^{(l-1)}+Vx^{(l)})$ with the same $U$ and $V$ at every step."""

    U, V, c = free("U", N, N), free("V", N, K), free("c", N)
    x, a, z = layered("x", K, independent=True), layered("a", N), layered("z", N, first=0)
    net = Architecture(
        {
            a: lambda y, j: S("i", N, lambda i: U[j, i] * z[y - 1, i]) + S("r", K, lambda r: V[j, r] * x[y, r]),
            z: lambda y, j: h(a[y, j]),
            E: lambda: S("k", N, lambda k: c[k] * z[L, k]),
        },
        layers=(1, L),
    )
    places = (U[j, i], V[j, i], z[l, j], a[l, j], x[l, i], z[0, j])
    sizes = {N: 2, K: 2, L: 3}
    wanted = (U, V)
    numbers = {N: 2, K: 3, L: 3}
    shapes = {"U": (2, 2), "V": (2, 3), "x": (3, 3), "c": (2,), "z_0": (2,)}

    def error(U, V, x, c, z_0):
        z = z_0
        for u in x:
            z = jnp.tanh(U @ z + V @ u)
        return c @ z

    return Case(net, places, sizes, numbers, wanted, shapes, error)


def branches():
    r"""$p=h(Ax)$, $q=h(Bp)$ and $r=p\cdot(Cx)$ meet in $E=\sum c\,q\,r+\sum r^2$."""

    A, B, C, x, c = free("A", N, N), free("B", N, N), free("C", N, N), free("x", N), free("c", N)
    p, q, r = Tensor("p", shape=(N,)), Tensor("q", shape=(N,)), Tensor("r", shape=(N,))
    net = Architecture(
        {
            p: lambda j: h(S("i", N, lambda i: A[j, i] * x[i])),
            q: lambda j: h(S("i", N, lambda i: B[j, i] * p[i])),
            r: lambda j: p[j] * S("i", N, lambda i: C[j, i] * x[i]),
            E: lambda: S("k", N, lambda k: c[k] * q[k] * r[k] + r[k] ** 2),
        }
    )
    places = (p[j], q[j], r[j], x[j], A[j, i], B[j, i], C[j, i])
    sizes = {N: 2}
    wanted = (A, B, C, x)
    numbers = {N: 3}
    shapes = {"A": (3, 3), "B": (3, 3), "C": (3, 3), "x": (3,), "c": (3,)}

    def error(A, B, C, x, c):
        p = jnp.tanh(A @ x)
        q, r = jnp.tanh(B @ p), p * (C @ x)
        return jnp.sum(c * q * r + r**2)

    return Case(net, places, sizes, numbers, wanted, shapes, error)


CASES = (residual, layer_normalisation, attention, recurrent, branches)


@pytest.fixture(params=CASES, ids=lambda build: build.__name__)
def case(request):
    return request.param()


def exact(case):
    """An instance in which every square root exists, and whose second derivatives do as well."""
    for seed in range(40):
        instance = ExactInstance(case.net, case.sizes, seed=seed)
        try:
            instance.number(E, {})
        except NoRootError:
            continue
        return instance
    raise AssertionError("no seed has all square roots")


def places_of(letters):
    """Several values of the free letters."""
    choices = [range(1, 3) for _ in letters]
    return [dict(zip(letters, values, strict=True)) for values in itertools.product(*choices)]


def test_the_signal_of_every_quantity_is_its_derivative_in_an_exact_instance(case):
    instance = exact(case)
    for x in case.places:
        steps = case.net.signal(x, E)
        assert steps.established == "derived"
        letters = sorted((s for s in x.free_symbols if s in (i, j, t, l)), key=str)
        at = [place for place in places_of(letters) if place.get(i, 1) <= case.sizes.get(K, 2)]
        assert instance.verify(steps, at).agreement == 0, x
        wrong = instance.number(steps.lhs, at[0]) - instance.number(2 * steps.result, at[0])
        assert wrong != 0, f"{x}: the instance tells nothing"


def test_the_program_read_off_the_definitions_has_the_gradient_of_jax(case):
    rng = np.random.default_rng(3)
    values = {name: rng.normal(size=shape) for name, shape in case.shapes.items()}
    values |= {"epsilon": np.array(0.1)} if "epsilon" in values else {}
    program = gradient_program(case.net, E, *case.wanted)
    function = program.function(jnp)

    def slope(u):
        return 1 - jnp.tanh(u) ** 2

    known = {"h0": jnp.tanh, "h1": slope} | {s.name: number for s, number in case.numbers.items()}
    by_layer = {x.name_ for x in case.net.free if isinstance(x, Tensor) and x.layers}
    known |= {name: [None, *x] if name in by_layer else x for name, x in values.items()}
    error, *derivatives = function(**{name: known[name] for name in inspect.signature(function).parameters})
    by = [x.name_ for x in case.wanted]
    expected = jax.grad(lambda some: case.error(**{**values, **some}))({name: values[name] for name in by})
    np.testing.assert_allclose(error, case.error(**values), rtol=1e-13)
    for name, found in zip(by, derivatives, strict=True):
        stacked = np.stack(found[1:]) if isinstance(found, list) else found
        np.testing.assert_allclose(stacked, expected[name], rtol=1e-11, atol=1e-13 * np.abs(expected[name]).max())
