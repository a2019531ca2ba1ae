"""The programs of a chain of layers, on one known in closed form."""

import numpy as np

from hesslib.derivations import any_layer_program as programs


def powers(theta, z0):
    """Two layers of one unit, each its parameter times the square of its input, as arrays with a batch axis."""
    t1, t2 = theta
    z1 = t1 * z0**2
    z2 = t2 * z1**2
    wide = {
        "J": [None, 2 * t1 * z0, 2 * t2 * z1],
        "K": [None, z0**2, z1**2],
        "Phi": [None, None, 2 * t2 * z2],
        "Psi": [None, None, 2 * z1 * z2],
        "Omega": [None, 0 * z0, 0 * z0],
        "M": z0 / z0,
    }
    d2, d1 = z2, z2 * 2 * t2 * z1
    wide["Phi"][1], wide["Psi"][1] = 2 * t1 * d1, 2 * z0 * d1

    def axes(a, count):
        return None if a is None else a.reshape((len(z0),) + (1,) * count)

    out = {name: [axes(a, 2) for a in some] if name != "M" else axes(some, 2) for name, some in wide.items()}
    return {**out, "delta": {2: axes(d2, 1)}}


def test_the_programs_have_the_derivatives_of_a_chain_known_in_closed_form():
    theta, z0 = (0.7, -1.3), np.array([0.9, -1.4, 0.3])
    known = powers(theta, z0)
    g = programs.gradient_program().function(np)(2, known["J"], known["K"], known["delta"])
    t1, t2 = theta
    total = np.sum(z0**8)
    np.testing.assert_allclose([g[1][0], g[2][0]], [2 * t2**2 * t1**3 * total, t2 * t1**4 * total], rtol=1e-13)
    names = ("J", "K", "Phi", "Psi", "Omega", "M", "delta")
    H = programs.hessian_program().function(np)(2, [1, 1, 1], *[known[name] for name in names])
    full = np.array([[6 * t2**2 * t1**2, 4 * t2 * t1**3], [4 * t2 * t1**3, t1**4]]) * total
    np.testing.assert_allclose([H[1][1][0, 0], H[2][1][0, 0], H[2][2][0, 0]], full[[0, 1, 1], [0, 0, 1]], rtol=1e-13)
    v = np.array([0.4, -2.1])
    Hv = programs.product_program().function(np)(
        2, *[known[name] for name in names], [None, v[:1], v[1:]], {0: np.zeros((3, 1))}
    )
    np.testing.assert_allclose([Hv[1][0], Hv[2][0]], full @ v, rtol=1e-13)
    outer = programs.gauss_newton_program().function(np)(2, [1, 1, 1], known["J"], known["K"], known["M"])
    slopes = np.array([2 * t2 * t1 * z0**4, t1**2 * z0**4])
    found = [outer[1][1][0, 0], outer[2][1][0, 0], outer[2][2][0, 0]]
    np.testing.assert_allclose(found, (slopes @ slopes.T)[[0, 1, 1], [0, 0, 1]], rtol=1e-13)
