"""A SymPy expression and its derivatives as functions of arrays; imported only when an expression is given."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import sympy
from sympy.printing.precedence import PRECEDENCE
from sympy.printing.str import StrPrinter

from hesslib._arrays import Array, Namespace

ARGUMENT = sympy.Symbol("a", real=True)

# SymPy's name -> the array API's name, where both take one argument
FUNCTIONS = {
    "exp": "exp", "log": "log", "sin": "sin", "cos": "cos", "tan": "tan", "asin": "asin", "acos": "acos",
    "atan": "atan", "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "asinh": "asinh", "acosh": "acosh",
    "atanh": "atanh", "Abs": "abs", "sign": "sign", "floor": "floor", "ceiling": "ceil",
}  # fmt: skip


@dataclass(frozen=True)
class ExpressionFunction:
    """The function of arrays that an expression in `ARGUMENT` stands for; equal for equal expressions."""

    expression: sympy.Expr

    def __call__(self, xp: Namespace, a: Array) -> Array:
        return xp.zeros_like(a) + _compile(self.expression)(xp, a)  # the sum gives a constant the shape of a


def compile_derivatives(
    expression: sympy.Expr, symbol: sympy.Symbol
) -> tuple[ExpressionFunction, ExpressionFunction, ExpressionFunction, ExpressionFunction]:
    """Return h, h', h'', h''' as functions of arrays. Raises ValueError if the expression cannot be one."""
    h = sympy.sympify(expression)
    if others := sorted(map(str, h.free_symbols - {symbol})):
        raise ValueError(f"expression contains {', '.join(others)}; it must contain no symbol but {symbol}")
    h = h.xreplace({symbol: ARGUMENT})
    if h.is_real is False or h.has(sympy.I):
        raise ValueError(f"expression is {expression}; it must be real for real {symbol}")
    derivatives = [h.diff(ARGUMENT, order) for order in range(4)]
    for derivative in derivatives:
        _compile(derivative)  # so that what has no counterpart is refused here, not in the first use
    value, first, second, third = map(ExpressionFunction, derivatives)
    return value, first, second, third


@cache
def _compile(expression: sympy.Expr) -> Callable[[Namespace, Array], Array]:
    return eval(f"lambda xp, a: {_ArrayPrinter().doprint(expression)}", {})  # the text is the printer's own


class _ArrayPrinter(StrPrinter):
    """Prints an expression in `ARGUMENT` as Python source on the array API namespace ``xp``."""

    def _print(self, expr: sympy.Basic, **options: object) -> str:
        if isinstance(expr, sympy.Expr) and not expr.free_symbols and not isinstance(expr, sympy.Integer):
            return repr(float(expr))  # a Python number: it takes the dtype of the array it meets
        return super()._print(expr, **options)

    def _print_Function(self, expr: sympy.Expr) -> str:
        name = type(expr).__name__
        if name not in FUNCTIONS or len(expr.args) != 1:
            raise ValueError(f"expression contains {expr}; {name} has no counterpart in the array API")
        return f"xp.{FUNCTIONS[name]}({self._print(expr.args[0])})"

    _print_Abs = _print_Function
    _print_sign = _print_Function

    def _print_Pow(self, expr: sympy.Expr, rational: bool = False) -> str:
        base, exponent = expr.args
        if exponent == sympy.S.Half:
            return f"xp.sqrt({self._print(base)})"
        return f"({self._print(base)})**({self._print(exponent)})"

    def _print_ExpBase(self, expr: sympy.Expr) -> str:
        return f"xp.exp({self._print(expr.args[0])})"

    def _print_Mul(self, expr: sympy.Expr) -> str:
        return "*".join(self.parenthesize(factor, PRECEDENCE["Mul"]) for factor in expr.as_ordered_factors())

    def _print_Piecewise(self, expr: sympy.Expr) -> str:
        text = "xp.full_like(a, xp.nan)"
        for value, condition in reversed(expr.args):
            here = self._array(value)
            text = here if condition == sympy.true else f"xp.where({self._print(condition)}, {here}, {text})"
        return f"({text})"

    def _print_And(self, expr: sympy.Basic) -> str:
        return "(" + " & ".join(f"({self._print(one)})" for one in expr.args) + ")"

    def _print_Or(self, expr: sympy.Basic) -> str:
        return "(" + " | ".join(f"({self._print(one)})" for one in expr.args) + ")"

    def _print_Max(self, expr: sympy.Expr) -> str:
        return self._pairwise("maximum", expr)

    def _print_Min(self, expr: sympy.Expr) -> str:
        return self._pairwise("minimum", expr)

    def _print_Heaviside(self, expr: sympy.Expr) -> str:
        return f"xp.where({self._print(expr.args[0])} > 0, xp.ones_like(a), xp.zeros_like(a))"

    def _print_DiracDelta(self, expr: sympy.Expr) -> str:
        return "0"  # zero almost everywhere

    def _pairwise(self, function: str, expr: sympy.Expr) -> str:
        first, *rest = (self._array(argument) for argument in expr.args)
        for argument in rest:
            first = f"xp.{function}({first}, {argument})"
        return first

    def _array(self, expr: sympy.Expr) -> str:
        text = self._print(expr)
        return text if expr.free_symbols else f"xp.full_like(a, {text})"
