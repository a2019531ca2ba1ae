r"""Exercises 5.17 to 5.31 of Bishop's *Pattern Recognition and Machine Learning*, derived as a student would.

Each function is the solution of one exercise: the definitions, then a chain in which every equality is decided. A
solution ends with variants of its result that are wrong; they must be refused.
"""

import pytest
import sympy as sp
from sympy import Rational, exp, log, sqrt

from hesslib.calculus.derivation import CONSTANT, NAMED, Derivation, same
from hesslib.calculus.index import Diff, KroneckerDelta, S, Tensor, elementwise, index
from hesslib.calculus.normal import equal
from hesslib.calculus.rewriting import fact
from hesslib.calculus.steps import NotEqualError, Steps

I = KroneckerDelta
N, K, D, M, P, J = sp.symbols("N K D M P J", integer=True, positive=True)
half = Rational(1, 2)
i, j, k, m, n, r, s = index("i j k m n r s")
i_, j_, k_ = index("i' j' k'")
h = elementwise("h")
E = sp.Symbol("E")
dy = Tensor("b", shape=(N, P))  # the derivative of the output of pattern n by weight r
ddy = Tensor("c", shape=(N, P, P), symmetric=False)


def over(size, f, letter="n"):
    return S(letter, size, f)


def wrong(chain, *variants):
    """None of the variants is accepted as another form of the result."""
    for variant in variants:
        with pytest.raises((NotEqualError, ValueError)):
            chain.stated(variant)


def by_weight(variable, y, more=()):
    """d/dw_variable for outputs of which the first derivative is b and the second c."""
    rules = {y: lambda n: dy[n, variable], dy: lambda n, q: ddy[n, q, variable], **dict.fromkeys(more, CONSTANT)}
    return Derivation(sp.Symbol(f"w_{variable}"), rules)


def test_5_17_at_the_minimum_the_second_derivatives_drop_out():
    """Inputs n with probability p_n, targets t_nm with probability q_nm given n; y_n is the mean."""
    y, t, prob, cond = (Tensor(a, shape=c) for a, c in zip("ytpq", ((N,), (N, M), (N,), (N, M)), strict=True))
    error = half * over(N, lambda n: over(M, lambda m: prob[n] * cond[n, m] * (y[n] - t[n, m]) ** 2, "m"))
    D_r, D_s = by_weight(r, y, (t, prob, cond)), by_weight(s, y, (t, prob, cond))
    gradient = over(N, lambda n: over(M, lambda m: prob[n] * cond[n, m] * (y[n] - t[n, m]) * dy[n, r], "m"))
    assert equal(D_r(error), gradient)
    chain = Steps(D_s.named(D_r.named(error)))
    chain.then(
        over(
            N,
            lambda n: over(
                M, lambda m: prob[n] * cond[n, m] * (dy[n, s] * dy[n, r] + (y[n] - t[n, m]) * ddy[n, r, s]), "m"
            ),
        ),
        "differentiate twice",
        by=[D_r, D_s],
    )
    certain = fact(over(M, lambda m: cond[n, m], "m"), sp.S.One, n)
    mean = fact(over(M, lambda m: cond[n, m] * t[n, m], "m"), y[n], n)
    chain.then(
        over(N, lambda n: prob[n] * dy[n, r] * dy[n, s]), "the mean of the targets", using=lambda e: certain(mean(e))
    )
    wrong(chain, over(N, lambda n: dy[n, r] * dy[n, s]), over(N, lambda n: prob[n] * dy[n, r] * dy[n, r]))


# ------------------------------------------------------------------------------ two layers, with skip connections
x, t = Tensor("x", shape=(D,)), Tensor("t", shape=(K,))
v, w, u = Tensor("v", shape=(M, D)), Tensor("w", shape=(K, M)), Tensor("u", shape=(K, D))
delta, slope = Tensor("delta", shape=(K,)), Tensor("M", shape=(K, K), symmetric=True)
a = Tensor("a", shape=(M,))
y = Tensor("y", shape=(K,))
layers = {
    y: lambda k: S("m", M, lambda m: w[k, m] * h(a[m])) + S("d", D, lambda d: u[k, d] * x[d]),
    a: lambda m: S("d", D, lambda d: v[m, d] * x[d]),
}


def by(variable, head):
    """The derivation by one weight of the network, through the definitions of a and y."""
    rules = {
        **dict.fromkeys([x, t, v, w, u], CONSTANT),
        head: same(*variable.indices),
        a: lambda m: inside.raw(layers[a](m)),
        y: lambda k: inside.raw(layers[y](k)),
        E: lambda: S("k", K, lambda k: delta[k] * inside.raw(y[k])),
        delta: lambda k: S("k", K, lambda q: slope[k, q] * inside.raw(y[q])),
    }
    inside = Derivation(variable, rules)
    return inside


def hp(m):
    return h(a[m]).fdiff()


def hpp(m):
    return hp(m).fdiff()


def test_5_18_skip_layer_weights_have_gradients_of_one_layer():
    chain = Steps(Diff(u[k, i], E)).then(delta[k] * x[i], "chain rule", by=by(u[k, i], u))
    wrong(chain, delta[k] * h(a[i]), delta[i] * x[k])
    Steps(Diff(w[k, j], E)).then(delta[k] * h(a[j]), "chain rule", by=by(w[k, j], w))
    hidden = Steps(Diff(v[j, i], E))
    hidden.then(hp(j) * x[i] * S("k", K, lambda k: w[k, j] * delta[k]), "chain rule", by=by(v[j, i], v))
    wrong(hidden, x[i] * S("k", K, lambda k: w[k, j] * delta[k]), hp(j) * x[i] * S("k", K, lambda k: delta[k]))
    squared = half * S("k", K, lambda k: (y[k] - t[k]) ** 2)
    D_u = by(u[k, i], u)
    Steps(D_u.named(squared)).then((y[k] - t[k]) * x[i], "delta is y - t", by=D_u)


def test_5_19_outer_products_of_a_logistic_output():
    act, out, target = (Tensor(name, shape=(N,)) for name in "ayt")
    logistic = {out: lambda n: 1 / (1 + exp(-act[n]))}
    error = -over(N, lambda n: target[n] * log(out[n]) + (1 - target[n]) * log(1 - out[n]))
    first = {act: lambda n: dy[n, r], target: CONSTANT, out: lambda n: out[n] * (1 - out[n]) * dy[n, r]}
    D_r = Derivation(sp.Symbol("w_r"), first)
    one = Derivation(act[n], {act: same(n)})
    slope_of = Steps(one.named(out[n]))
    slope_of.then(one.named(logistic[out](n)), "definition", using=logistic)
    slope_of.then(logistic[out](n) * (1 - logistic[out](n)), "chain rule", by=one)
    slope_of.then(exp(act[n]) / (1 + exp(act[n])) ** 2, "from the other side")
    assert equal(D_r(error), over(N, lambda n: (out[n] - target[n]) * dy[n, r]))
    second = {
        act: lambda n: dy[n, s],
        out: lambda n: out[n] * (1 - out[n]) * dy[n, s],
        dy: lambda n, q: ddy[n, q, s],
        target: CONSTANT,
    }
    D_s = Derivation(sp.Symbol("w_s"), second)
    chain = Steps(D_s.named(D_r.named(error)))
    both = over(N, lambda n: out[n] * (1 - out[n]) * dy[n, r] * dy[n, s] + (out[n] - target[n]) * ddy[n, r, s])
    chain.then(both, "differentiate twice", by=[D_r, D_s])
    chain.neglect(over(N, lambda n: out[n] * (1 - out[n]) * dy[n, r] * dy[n, s]), "the outputs are near the targets")
    assert chain.established == "approximation"
    wrong(chain, over(N, lambda n: out[n] * dy[n, r] * dy[n, s]))


def test_5_20_outer_products_of_softmax_outputs():
    act, out, target = (Tensor(name, shape=(N, K)) for name in "ayt")
    da, dda = Tensor("b", shape=(N, K, P)), Tensor("c", shape=(N, K, P, P))

    def D_by(q, more):
        def softmax(n, k):
            return S("l", K, lambda c: out[n, k] * (I(k, c) - out[n, c]) * da[n, c, q])

        return Derivation(sp.Symbol(f"w_{q}"), {act: lambda n, k: da[n, k, q], out: softmax, target: CONSTANT, **more})

    D_r, D_s = D_by(r, {}), D_by(s, {da: lambda n, k, q: dda[n, k, q, s]})
    error = -over(N, lambda n: S("k", K, lambda k: target[n, k] * log(out[n, k])))
    one = fact(S("k", K, lambda k: target[n, k]), sp.S.One, n)
    gradient = over(N, lambda n: S("k", K, lambda k: (out[n, k] - target[n, k]) * da[n, k, r]))
    first = Steps(D_r.named(error)).then(gradient, "softmax", by=D_r, using=one)
    chain = Steps(D_s.named(first.result))
    curved = over(
        N,
        lambda n: S(
            "k", K, lambda k: S("c", K, lambda c: out[n, k] * (I(k, c) - out[n, c]) * da[n, k, r] * da[n, c, s])
        ),
    )
    rest = over(N, lambda n: S("k", K, lambda k: (out[n, k] - target[n, k]) * dda[n, k, r, s]))
    chain.then(curved + rest, "differentiate again", by=D_s)
    wrong(chain, curved - rest, over(N, lambda n: S("k", K, lambda k: out[n, k] * da[n, k, r] * da[n, k, s])) + rest)


def test_5_21_one_more_pattern_with_several_outputs():
    """Each output adds one outer product; Sherman and Morrison's formula inverts the sum of any two."""
    H, X, b = (
        Tensor("H", shape=(P, P), symmetric=True),
        Tensor("X", shape=(P, P), symmetric=True),
        Tensor("b", shape=(P,)),
    )
    inverse = fact(S("k", P, lambda k: H[i, k] * X[k, j]), I(i, j), i, j)

    def Xb(i):
        return S("q", P, lambda q: X[i, q] * b[q])

    bXb = S("p", P, lambda p: b[p] * Xb(p))

    def new(i, j):
        return X[i, j] - Xb(i) * Xb(j) / (1 + bXb)

    product = S("k", P, lambda k: (H[i, k] + b[i] * b[k]) * new(k, j))
    chain = Steps(product).then(I(i, j), "as H X is the identity", using=inverse)
    assert chain.established == "derived"
    B = Tensor("B", shape=(N, K, P))

    def outer(n, r, s):
        return S("k", K, lambda k: B[n, k, r] * B[n, k, s])

    all_ = over(N, lambda n: outer(n, r, s))
    Steps(all_).then(S("n", N - 1, lambda n: outer(n, r, s)) + outer(N, r, s), "the last pattern apart")


def test_5_22_the_hessian_of_two_layers():
    both_above = Steps(Diff(w[k_, j_], Diff(w[k, j], E)))
    both_above.then(h(a[j]) * h(a[j_]) * slope[k, k_], "(5.93)", by=[by(w[k, j], w), by(w[k_, j_], w)])
    both_below = Steps(Diff(v[j_, i_], Diff(v[j, i], E)))
    sum_delta = S("k", K, lambda k: w[k, j_] * delta[k])
    pairs = S("k", K, lambda k: S("q", K, lambda q: w[k, j] * w[q, j_] * slope[k, q]))
    result = x[i] * x[i_] * (hpp(j_) * I(j, j_) * sum_delta + hp(j) * hp(j_) * pairs)
    both_below.then(result, "(5.94)", by=[by(v[j, i], v), by(v[j_, i_], v)])
    wrong(
        both_below,
        result.xreplace({slope[k, k_]: 0}) + x[i],
        x[i] * x[i_] * (hpp(j_) * sum_delta + hp(j) * hp(j_) * pairs),
    )
    mixed = Steps(Diff(v[j, i], Diff(w[k, j_], E)))
    one_of_each = x[i] * hp(j) * (delta[k] * I(j, j_) + h(a[j_]) * S("q", K, lambda q: w[q, j] * slope[k, q]))
    mixed.then(one_of_each, "(5.95)", by=[by(w[k, j_], w), by(v[j, i], v)])
    wrong(mixed, x[i] * hp(j_) * (delta[k] * I(j, j_) + h(a[j]) * S("q", K, lambda q: w[q, j_] * slope[k, q])))


def test_5_23_the_hessian_of_skip_layer_weights():
    Steps(Diff(u[k_, i_], Diff(u[k, i], E))).then(x[i] * x[i_] * slope[k, k_], by=[by(u[k, i], u), by(u[k_, i_], u)])
    Steps(Diff(w[k_, j], Diff(u[k, i], E))).then(x[i] * h(a[j]) * slope[k, k_], by=[by(u[k, i], u), by(w[k_, j], w)])
    chain = Steps(Diff(v[j, i_], Diff(u[k, i], E)))
    chain.then(x[i] * x[i_] * hp(j) * S("q", K, lambda q: w[q, j] * slope[k, q]), by=[by(u[k, i], u), by(v[j, i_], v)])
    wrong(chain, x[i] * x[i_] * hp(j) * w[k, j] * S("q", K, lambda q: slope[k, q]))


def test_5_24_scaled_inputs_and_outputs_are_made_up_for_by_the_weights():
    scale, shift, c, d = sp.symbols("a b c d", positive=True)
    b1, b2 = Tensor("v_0", shape=(M,)), Tensor("w_0", shape=(K,))

    def new_x(i):
        return scale * x[i] + shift

    hidden = S("i", D, lambda i: v[j, i] / scale * new_x(i)) + b1[j] - shift / scale * S("i", D, lambda i: v[j, i])
    Steps(hidden).then(S("i", D, lambda i: v[j, i] * x[i]) + b1[j], "the hidden units see no difference")
    out = S("j", M, lambda j: w[k, j] * h(a[j])) + b2[k]
    Steps(S("j", M, lambda j: c * w[k, j] * h(a[j])) + c * b2[k] + d).then(c * out + d, "the outputs are scaled")
    wrong(Steps(hidden).then(hidden), S("i", D, lambda i: v[j, i] * x[i]) + b1[j] - shift / scale)


def test_5_25_stopping_early_is_a_kind_of_weight_decay():
    eta, rho, tau, eigen, best = sp.symbols("rho eta tau lambda w", positive=True)

    def weight(steps):
        return (1 - (1 - rho * eigen) ** steps) * best

    step = weight(tau) - rho * eigen * (weight(tau) - best)

    def power(e):
        return sp.powsimp(sp.expand(e))  # (1 - c)^tau (1 - c) = (1 - c)^(tau + 1)

    assert sp.simplify(power(step - weight(tau + 1))) == 0
    Steps(weight(0)).then(0, "it starts at the origin")
    decayed = Steps(eigen * best / (eigen + eta))
    decayed.then(best - eta / (eigen + eta) * best, "the minimum with weight decay")
    for small in (1, 2, 3):
        moved = Steps(weight(small)).then(sp.expand(weight(small)), "a few steps")
        assert equal(sp.diff(moved.result, rho).subs(rho, 0), small * eigen * best)
    wrong(decayed, best + eta / (eigen + eta) * best)


def _of_inputs(e):
    return isinstance(e, Diff) and e.operand == x[r]


def test_5_26_tangent_propagation():
    """alpha = G z and beta = G a for the directional derivative G = sum_i tau_i d/dx_i, in a layer and the next."""
    z, beta, alpha, tangent = (
        Tensor(name, shape=(size,)) for name, size in zip(("z", "beta", "alpha", "tau"), (D, M, D, D), strict=True)
    )
    G = Derivation(sp.Symbol("G"), {z: lambda i: alpha[i], v: CONSTANT})
    G_deep = Derivation(sp.Symbol("G"), {a: lambda j: beta[j]})
    forward = Steps(G.named(S("i", D, lambda i: v[j, i] * z[i])))
    forward.then(S("i", D, lambda i: v[j, i] * alpha[i]), "beta", by=G)
    Steps(G_deep.named(h(a[j]))).then(hp(j) * beta[j], "alpha of the next layer", by=G_deep)
    at_inputs = Derivation(x[i], {x: same(i)})
    start = Steps(S("i", D, lambda i: tangent[i] * Diff(x[i], x[r])))
    start.then(
        tangent[r], "alpha of the inputs", using=lambda e: e.replace(_of_inputs, lambda d: I(d.op.indices[0], r))
    )
    assert at_inputs(x[r]) == I(i, r)
    # The regulariser: Omega = 1/2 sum_k (G y_k)^2; by v_rs, with delta_kr = dy_k/da_r and phi = G delta.
    Gy = Tensor("alpha", shape=(K,))
    dk, phi = Tensor("delta", shape=(K, M)), Tensor("phi", shape=(K, M))
    weight = Derivation(v[r, s], {Gy: lambda k: phi[k, r] * z[s] + dk[k, r] * alpha[s]})
    along = Derivation(sp.Symbol("G"), {dk: lambda k, r: phi[k, r], z: lambda s: alpha[s]})
    Steps(along.named(dk[k, r] * z[s])).then(phi[k, r] * z[s] + dk[k, r] * alpha[s], "Leibniz", by=along)
    omega = half * S("k", K, lambda k: Gy[k] ** 2)
    chain = Steps(weight.named(omega))
    chain.then(S("k", K, lambda k: Gy[k] * (phi[k, r] * z[s] + dk[k, r] * alpha[s])), "chain rule", by=weight)
    wrong(
        chain,
        S("k", K, lambda k: Gy[k] * phi[k, r] * z[s]),
        S("k", K, lambda k: phi[k, r] * z[s] + dk[k, r] * alpha[s]),
    )
    # Backwards: delta_kj = h'(a_j) sum_l w_lj delta_kl, so phi_kj by the product rule.
    above, phi_above = Tensor("delta2", shape=(K, K)), Tensor("phi2", shape=(K, K))
    rules = {a: lambda j: beta[j], above: lambda k, l: phi_above[k, l], w: CONSTANT}
    G_back = Derivation(sp.Symbol("G"), rules)
    back = Steps(G_back.named(hp(j) * S("l", K, lambda l: w[l, j] * above[k, l])))
    back.then(
        hpp(j) * beta[j] * S("l", K, lambda l: w[l, j] * above[k, l])
        + hp(j) * S("l", K, lambda l: w[l, j] * phi_above[k, l]),
        "phi",
        by=G_back,
    )


def test_5_27_noise_on_the_inputs_is_a_tikhonov_regulariser():
    """Points m with probability p_m, noise xi_m of mean 0 and unit covariance; second order in the noise."""
    f, g, c = sp.Symbol("f"), Tensor("g", shape=(D,)), Tensor("c", shape=(D, D), symmetric=True)
    prob, noise, target = Tensor("p", shape=(M,)), Tensor("xi", shape=(M, D)), sp.Symbol("t")

    def residual(m):
        return S("i", D, lambda i: g[i] * noise[m, i])

    def bend(m):
        return half * S("i", D, lambda i: S("j", D, lambda j: c[i, j] * noise[m, i] * noise[m, j]))

    error = half * S(
        "m", M, lambda m: prob[m] * ((f - target) ** 2 + 2 * (f - target) * (residual(m) + bend(m)) + residual(m) ** 2)
    )
    one = fact(S("m", M, lambda m: prob[m]), sp.S.One)
    mean = fact(S("m", M, lambda m: prob[m] * noise[m, i]), 0 * g[i], i)
    unit = fact(S("m", M, lambda m: prob[m] * noise[m, i] * noise[m, j]), I(i, j), i, j)
    tikhonov = half * S("i", D, lambda i: g[i] ** 2)
    curvature = half * (f - target) * S("i", D, lambda i: c[i, i])
    chain = Steps(error)
    chain.then(
        half * (f - target) ** 2 + curvature + tikhonov, "moments of the noise", using=lambda e: one(mean(unit(e)))
    )
    wrong(chain, half * (f - target) ** 2 + curvature + 2 * tikhonov)
    # At f = E[t|x] the mean of f - t is zero: what is left of the regulariser is half the squared gradient.
    Steps(curvature.xreplace({target: f}) + tikhonov).then(tikhonov, "the mean of the targets")


def test_5_28_shared_weights_collect_their_gradients():
    """A feature map: all units of the map share a window of R weights; unit t sees the inputs t, ..., t + R - 1."""
    R, T = sp.symbols("R T", integer=True, positive=True)
    window, signal = Tensor("w", shape=(R,)), Tensor("z", shape=(T + R - 1,))
    unit, error = Tensor("a", shape=(T,)), Tensor("delta", shape=(T,))
    rules = {window: same(m), signal: CONSTANT}
    rules |= {
        unit: lambda t: inside.raw(S("s", R, lambda s: window[s] * signal[t + s - 1])),
        E: lambda: S("t", T, lambda t: error[t] * inside.raw(unit[t])),
    }
    inside = Derivation(window[m], rules)
    chain = Steps(Diff(window[m], E))
    chain.then(S("t", T, lambda t: error[t] * signal[t + m - 1]), "every unit of the map adds its part", by=inside)
    wrong(chain, S("t", T, lambda t: error[t] * signal[t]))


# ----------------------------------------------------------------------------------------- soft weight sharing
W = sp.Symbol("W", integer=True, positive=True)
weights = Tensor("w", shape=(W,))
mu, sigma, mixing, gamma = (Tensor(name, shape=(J,)) for name in ("mu", "sigma", "pi", "gamma"))
lam = sp.Symbol("lambda")


def normal(x, j):
    return exp(-((x - mu[j]) ** 2) / (2 * sigma[j] ** 2)) / (sqrt(2 * sp.pi) * sigma[j])


def density(i):
    return S("j", J, lambda j: mixing[j] * normal(weights[i], j))


def share(i, j):
    """The responsibility of component j for weight i."""
    return mixing[j] * normal(weights[i], j) / density(i)


penalised = E - lam * S("i", W, lambda i: log(density(i)))


def soft(variable, head):
    rules = {**dict.fromkeys([weights, mu, sigma, mixing, lam], CONSTANT), E: NAMED, head: same(variable.indices[0])}
    return Derivation(variable, rules)


def test_5_29_soft_weight_sharing_pulls_a_weight_to_the_centres():
    inside = soft(weights[i], weights)
    chain = Steps(inside.named(penalised))
    pull = S("j", J, lambda j: share(i, j) * (weights[i] - mu[j]) / sigma[j] ** 2)
    chain.then(Diff(weights[i], E) + lam * pull, "(5.141)", by=inside)
    wrong(chain, Diff(weights[i], E) - lam * pull, Diff(weights[i], E) + pull)


def test_5_30_soft_weight_sharing_pulls_a_centre_to_the_weights():
    inside = soft(mu[j], mu)
    chain = Steps(inside.named(penalised))
    pull = S("i", W, lambda i: share(i, j) * (mu[j] - weights[i]) / sigma[j] ** 2)
    chain.then(Diff(mu[j], E) + lam * pull, "(5.142)", by=inside)
    wrong(chain, Diff(mu[j], E) - lam * pull)


def test_5_31_soft_weight_sharing_fits_the_widths():
    inside = soft(sigma[j], sigma)
    chain = Steps(inside.named(penalised))
    pull = S("i", W, lambda i: share(i, j) * (1 / sigma[j] - (weights[i] - mu[j]) ** 2 / sigma[j] ** 3))
    chain.then(Diff(sigma[j], E) + lam * pull, "(5.143)", by=inside)
    wrong(chain, Diff(sigma[j], E) - lam * pull)


def test_the_responsibilities_of_all_components_add_up_to_one():
    Steps(S("j", J, lambda j: share(i, j))).then(1, "the density over itself")
