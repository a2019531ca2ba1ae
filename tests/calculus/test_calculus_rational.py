r"""Rational summands: $\sum_i1-\frac\alpha{\alpha+\lambda_i}=\sum_i\frac{\lambda_i}{\alpha+\lambda_i}$ and its kin."""

import random

import pytest
import sympy as sp

from hesslib.calculus.index import KroneckerDelta, S, Tensor, elementwise, index
from hesslib.calculus.normal import equal, normal_form
from hesslib.calculus.rational import factored
from hesslib.calculus.tidy import tidy

N = sp.Symbol("N", integer=True, positive=True)
SIZE = 2
alpha, beta = sp.symbols("alpha beta", positive=True)
i, j, k = index("i j k")
lam, mu, c = (Tensor(name, shape=(N,)) for name in ("lambda", "mu", "c"))
A = Tensor("A", shape=(N, N))
h = elementwise("h")


def over(f, letter="i"):
    return S(letter, N, f)


EQUAL = {
    "one minus": (over(lambda i: 1 - alpha / (alpha + lam[i])), over(lambda i: lam[i] / (alpha + lam[i]))),
    "N minus": (N - over(lambda i: alpha / (alpha + lam[i])), over(lambda i: lam[i] / (alpha + lam[i]))),
    "a free index": (1 - alpha / (alpha + lam[j]), lam[j] / (alpha + lam[j])),
    "the other letter": (1 - lam[j] / (alpha + lam[j]), alpha / (alpha + lam[j])),
    "a scalar in the denominator": (
        over(lambda i: beta * lam[i] / (alpha + beta * lam[i])),
        N - alpha * over(lambda i: 1 / (alpha + beta * lam[i])),
    ),
    "a number in the denominator": (
        over(lambda i: lam[i] / (alpha + 2 * lam[i])),
        N / 2 - alpha / 2 * over(lambda i: 1 / (alpha + 2 * lam[i])),
    ),
    "an indexed coefficient": (
        over(lambda i: c[i] * lam[i] / (alpha + c[i] * lam[i])),
        over(lambda i: 1 - alpha / (alpha + c[i] * lam[i])),
    ),
    "a content": (1 / (2 * lam[i] + 2 * mu[i]), sp.Rational(1, 2) / (lam[i] + mu[i])),
    "a scalar content": (1 / (alpha * lam[i] + alpha * mu[i]), 1 / alpha / (mu[i] + lam[i])),
    "a fractional content": (1 / (lam[i] / 2 + mu[i] / alpha), 2 * alpha / (alpha * lam[i] + 2 * mu[i])),
    "the sign of a denominator": (1 / (lam[i] - mu[i]), -1 / (mu[i] - lam[i])),
    "the square of the sign": (1 / (lam[i] - mu[i]) ** 2, (mu[i] - lam[i]) ** -2),
    "two denominators": (
        1 / ((alpha + lam[j]) * (beta + lam[j])),
        (1 / (alpha + lam[j]) - 1 / (beta + lam[j])) / (beta - alpha),
    ),
    "two denominators, free and indexed": (
        1 / ((mu[j] + lam[j]) * (c[j] + lam[j])),
        (1 / (mu[j] + lam[j]) - 1 / (c[j] + lam[j])) / (c[j] - mu[j]),
    ),
    "a multiple of a denominator": (1 / (alpha + lam[j]) / (2 * alpha + 2 * lam[j]), (alpha + lam[j]) ** -2 / 2),
    "products of two sums": (
        over(lambda i: lam[i] / (alpha + lam[i])) ** 2,
        over(lambda i: over(lambda k: (1 - alpha / (alpha + lam[i])) * (1 - alpha / (alpha + lam[k])))),
    ),
    "powers": (
        over(lambda i: lam[i] ** 2 / (alpha + lam[i]) ** 2),
        over(lambda i: 1 - 2 * alpha / (alpha + lam[i]) + alpha**2 / (alpha + lam[i]) ** 2),
    ),
    "an improper fraction": (
        over(lambda i: lam[i] ** 3 / (alpha + lam[i])),
        over(lambda i: lam[i] ** 2 - alpha * lam[i] + alpha**2 - alpha**3 / (alpha + lam[i])),
    ),
    "the derivative of gamma": (
        -over(lambda i: lam[i] / (alpha + lam[i]) ** 2),
        over(lambda i: alpha / (alpha + lam[i]) ** 2 - 1 / (alpha + lam[i])),
    ),
    "an outer factor": (
        over(lambda i: A[j, i] * lam[i] / (alpha + lam[i])),
        over(lambda i: A[j, i]) - alpha * over(lambda i: A[j, i] / (lam[i] + alpha)),
    ),
    "inside a function": (
        h(over(lambda i: lam[i] / (alpha + lam[i]))),
        h(N - over(lambda i: alpha / (alpha + lam[i]))),
    ),
    "a function in the denominator": (
        over(lambda i: h(lam[i]) / (alpha + h(lam[i]))),
        N - over(lambda i: alpha / (alpha + h(lam[i]))),
    ),
    "logistic": (
        1 / (1 + sp.exp(-lam[j])) * (1 - 1 / (1 + sp.exp(-lam[j]))),
        sp.exp(-lam[j]) / (1 + sp.exp(-lam[j])) ** 2,
    ),
    "a delta in the denominator": (
        over(lambda i: 1 / (alpha + over(lambda k: KroneckerDelta(i, k) * lam[k]))),
        over(lambda i: 1 / (lam[i] + alpha)),
    ),
    "a pair of bound letters, as it stands": (
        over(lambda i: over(lambda k: c[i] * mu[k] / (lam[i] + lam[k]))),
        over(lambda k: over(lambda i: mu[i] * c[k] / (lam[k] + lam[i]))),
    ),
}

DIFFERENT = {
    "1 for N": (1 - over(lambda i: alpha / (alpha + lam[i])), over(lambda i: lam[i] / (alpha + lam[i]))),
    "plus": (N + over(lambda i: alpha / (alpha + lam[i])), over(lambda i: lam[i] / (alpha + lam[i]))),
    "the fraction of sums": (
        over(lambda i: lam[i]) / over(lambda i: alpha + lam[i]),
        over(lambda i: lam[i] / (alpha + lam[i])),
    ),
    "another scalar": (over(lambda i: lam[i] / (alpha + lam[i])), over(lambda i: lam[i] / (beta + lam[i]))),
    "another power": (over(lambda i: 1 / (alpha + lam[i])), over(lambda i: (alpha + lam[i]) ** -2)),
    "another letter": (1 / (alpha + lam[j]), 1 / (alpha + lam[k])),
    "the sign of a denominator": (1 / (lam[i] - mu[i]), 1 / (mu[i] - lam[i])),
}


@pytest.mark.parametrize("name", EQUAL)
def test_rational_identities_are_decided(name):
    left, right = EQUAL[name]
    assert equal(left, right)
    assert normal_form(left) == normal_form(right)
    assert equal(tidy(left), right)


@pytest.mark.parametrize("name", DIFFERENT)
def test_false_rational_identities_are_refused(name):
    left, right = DIFFERENT[name]
    assert not equal(left, right)


@pytest.mark.parametrize(
    "base",
    [
        2 * lam[i] - 4 * mu[i],
        alpha * lam[i] + alpha**2,
        -lam[i] - 1,
        lam[i] / 3 + mu[i] / alpha,
        sp.expand((alpha + lam[i]) ** 2 * (mu[i] - lam[i])),
        2 * over(lambda i: lam[i]) - 2 * alpha,
    ],
)
def test_a_denominator_and_its_negative_have_the_same_factors(base):
    product = factored(1 / base)
    assert sp.cancel(product * base) == 1
    assert sp.Mul(*[factored(f) for f in sp.Mul.make_args(-1 / base)]) == -product
    assert all(factored(f) == f for f in sp.Mul.make_args(product))


# --------------------------------------------------------------------------------------------------------- fuzzed
def scalar(rng):
    return rng.choice([sp.S.One, alpha, beta, alpha + 1, sp.Integer(2), sp.Rational(1, 3)])


def summand(rng, quantities):
    """A random rational function of three quantities, whose denominator has linear factors."""
    top = sp.Mul(*[rng.choice(quantities) for _ in range(rng.randint(0, 2))])
    bottom = sp.Mul(
        *[
            (scalar(rng) + rng.choice([1, 2, beta]) * rng.choice(quantities[:2])) ** power
            for power in rng.choice([(1,), (2,), (1, 1), (1, 2)])
        ]
    )
    return scalar(rng) * top / bottom


def value(e, at):
    if isinstance(e, sp.Sum):
        ((letter, _, _),) = e.limits
        return sum(value(e.function.xreplace({letter: sp.Integer(unit)}), at) for unit in range(1, SIZE + 1))
    if e.args and not isinstance(e, sp.Indexed):
        return e.func(*[value(part, at) for part in e.args])
    return at.get(e, sp.Integer(SIZE) if e == N else e)


@pytest.mark.parametrize("seed", range(4))
def test_random_rational_sums(seed, as_installed):
    rng = random.Random(seed)
    quantities = [t[unit] for t in (lam, mu, c) for unit in range(1, SIZE + 1)]
    at = {s: sp.Rational(rng.randint(1, 30), rng.randint(1, 7)) for s in (*quantities, alpha, beta)}
    plain = sp.symbols("l m c")
    for _ in range(12):
        total = summand(rng, plain)
        rewrite = rng.choice([sp.together, sp.factor, sp.expand, lambda e: sp.apart(sp.together(e), plain[0])])
        left, right = (over(as_summand(e, plain)) for e in (total, rewrite(total)))
        story = f"seed {seed}: {total}  against  {rewrite(total)}"
        assert equal(left, right), story
        assert normal_form(left) == normal_form(right), story
        assert value(normal_form(left), at) == value(left, at), story
        spoiled = left + over(lambda s: rng.choice([lam[s], 1 / (alpha + mu[s]), 1]) * scalar(rng))
        assert not equal(left, spoiled), story


def as_summand(e, plain):
    return lambda s: e.xreplace(dict(zip(plain, (lam[s], mu[s], c[s]), strict=True)))
