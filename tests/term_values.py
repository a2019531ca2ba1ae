"""The value of a term by a dumb loop: every size a number, every bound index all of its values, one after the other."""

import sympy as sp

from hesslib.calculus.terms import Term


def value_of(t: Term | None, at: dict) -> sp.Expr:
    """A term at numbers for its sizes and free indices; None is a term that is zero."""
    if t is None:
        return sp.S.Zero
    dummies = {d: size.xreplace(at) for d, size in t.dummies.items()}
    if not dummies:
        return t.coeff.xreplace(at) * sp.Mul(*[f.xreplace(at) for f in t.factors])
    outer = next(d for d, size in dummies.items() if size.is_Integer)  # the others may depend on it
    rest = Term(t.coeff, t.factors, {d: size for d, size in t.dummies.items() if d != outer})
    return sp.Add(*[value_of(rest, at | {outer: sp.Integer(n)}) for n in range(1, int(dummies[outer]) + 1)])
