r"""How long devices compute and send, on paper: a ring of $p$ devices that adds $P$ numbers, 8 bytes each.

Each piece of $P/p$ numbers is passed on $p-1$ times to add and $p-1$ times to spread the sums. A message takes $\alpha$
seconds to start, a link moves $\beta$ bytes a second, and a device does $F$ operations a second.
"""

from __future__ import annotations

import sympy as sp

from hesslib.calculus.steps import Formula

__all__ = ["balance", "best", "communication", "computation", "volume"]

p, P, m = (sp.Symbol(name, integer=True, positive=True) for name in "pPm")
N, alpha, beta, F = sp.symbols("N alpha beta F", positive=True)
V, T_s, T_c = sp.symbols("V T_s T_c")


def volume() -> Formula:
    """How many numbers each device sends."""
    return Formula(V, P * (p - 1) * 2 / p)


def communication() -> Formula:
    """The time of sending."""
    sending = alpha * (p - 1) * 2 + 8 * volume().rhs / beta
    return Formula(T_s, sending, established="assumption")


def computation() -> Formula:
    """The time of computing a product Hv, 16 operations for each weight and pattern."""
    return Formula(T_c, 16 * N * P / (p * F), established="assumption")


def _long_messages() -> sp.Expr:
    return sp.limit(communication().rhs.subs(alpha, 0), p, sp.oo)


def balance() -> sp.Expr:
    """The number of patterns on each of many devices at which computing takes as long as sending long messages."""
    patterns = sp.Symbol("m", positive=True)
    (found,) = sp.solve(sp.Eq(computation().rhs.subs(N, patterns * p), _long_messages()), patterns)
    return found


def best() -> sp.Expr:
    """The number of devices, many, at which computing and sending take the least time together."""
    devices = sp.Symbol("p", positive=True)
    total = computation().rhs + 2 * p * alpha + _long_messages()
    (found,) = sp.solve(sp.diff(total.subs(p, devices), devices), devices)
    return found
