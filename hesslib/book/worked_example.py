r"""The example that runs through the book: two inputs, two hidden units, one output, and one pattern, worked by hand.

Every quantity is one line of arithmetic, written once: from the line come its value, in full precision, and the text a
reader can follow with a pocket calculator. Nothing here uses the closed forms of the package; chapters compare the
two. Index 1 or 2 after a letter is the unit; ``w12`` leads to hidden unit 1 from input 2, ``v2`` from hidden unit 2 to
the output, ``b1``, ``b2`` and ``c`` are the biases.

Longer than one sitting: one sheet of arithmetic, in the order of the book.
"""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from hesslib import Network
from hesslib.book.inline import glue

PATTERN = {"x1": 1.0, "x2": 0.5, "t": 1.0}
WEIGHTS = {"w11": 0.5, "w12": -1.0, "w21": 1.0, "w22": 0.6, "b1": 0.2, "b2": -0.4, "v1": 1.5, "v2": -0.8, "c": 0.3}
CHOSEN = {"step": 0.1, "alpha": 1.0, "mu": 1.0, "beta": 4.0}
"""The step of a difference, the start of an inverse, a damping, and a precision of the noise."""
GIVEN = {**PATTERN, **WEIGHTS, **CHOSEN}

PARAMETERS = tuple(WEIGHTS)
"""All weights and biases, in the flat order."""

LINES = {
    # forward
    "a1": "w11*x1 + w12*x2 + b1",
    "a2": "w21*x1 + w22*x2 + b2",
    "z1": "tanh(a1)",
    "z2": "tanh(a2)",
    "y": "v1*z1 + v2*z2 + c",
    "E": "(y - t)**2/2",
    # the error signals, and the gradient
    "d": "y - t",
    "s1": "1 - z1**2",
    "s2": "1 - z2**2",
    "d1": "s1*v1*d",
    "d2": "s2*v2*d",
    "g_w11": "d1*x1",
    "g_w12": "d1*x2",
    "g_w21": "d2*x1",
    "g_w22": "d2*x2",
    "g_b1": "d1*1",
    "g_b2": "d2*1",
    "g_v1": "d*z1",
    "g_v2": "d*z2",
    "g_c": "d*1",
    # forward mode: everything moves with w11
    "dot_a1": "x1*1",
    "dot_z1": "s1*dot_a1",
    "dot_y": "v1*dot_z1",
    "dot_E": "d*dot_y",
    # differences
    "a_plus": "a1 + step*x1",
    "a_minus": "a1 - step*x1",
    "y_plus": "v1*tanh(a_plus) + v2*z2 + c",
    "y_minus": "v1*tanh(a_minus) + v2*z2 + c",
    "E_plus": "(y_plus - t)**2/2",
    "E_minus": "(y_minus - t)**2/2",
    "one_sided": "(E_plus - E)/step",
    "central": "(E_plus - E_minus)/(2*step)",
    "second": "(E_plus - 2*E + E_minus)/step**2",
    # the Hessian: what bends, and paths that meet
    "bend1": "-2*z1*s1",
    "bend2": "-2*z2*s2",
    "h_v1_v1": "z1*z1*1",
    "h_w11_v1_loss": "x1*s1*v1*z1",
    "h_w11_v1_path": "x1*s1*d",
    "h_w11_v1": "h_w11_v1_loss + h_w11_v1_path",
    "h_w11_w11_loss": "x1**2*s1**2*v1**2",
    "h_w11_w11_bend": "x1**2*bend1*v1*d",
    "h_w11_w11": "h_w11_w11_loss + h_w11_w11_bend",
    "h_w11_w21": "x1*x1*s1*v1*s2*v2",
    "newton": "-g_w11/h_w11_w11",
    # the diagonal, by the curvature of the units
    "q1": "s1**2*v1**2*1 + bend1*v1*d",
    "q2": "s2**2*v2**2*1 + bend2*v2*d",
    "h_w12_w12": "q1*x2**2",
    "h_w21_w21": "q2*x1**2",
    "h_w22_w22": "q2*x2**2",
    # the slopes of the output, which Gauss-Newton is made of
    "j_w11": "s1*v1*x1",
    "j_w12": "s1*v1*x2",
    "j_w21": "s2*v2*x1",
    "j_w22": "s2*v2*x2",
    "j_b1": "s1*v1",
    "j_b2": "s2*v2",
    "j_v1": "z1*1",
    "j_v2": "z2*1",
    "j_c": "1*1",
    "gn_w11_w11": "j_w11**2",
    "gn_w11_v1": "j_w11*j_v1",
    "op_w11_w11": "d**2*j_w11**2",
    # the responses of the exact Hessian
    "G1": "s1*v1",
    "G2": "s2*v2",
    "B11": "bend1*v1*d + s1*v1*G1",
    "B12": "s1*v1*G2",
    # along the direction in which w11 and v1 grow at the same speed
    "R_a1": "1*x1",
    "R_z1": "s1*R_a1",
    "R_y": "1*z1 + v1*R_z1",
    "R_d1": "bend1*R_a1*v1*d + s1*1*d + s1*v1*R_y",
    "Hv_w11": "R_d1*x1",
    "Hv_v1": "R_y*z1 + d*R_z1",
    # one pattern added to a multiple of the identity
    "jj_first": "j_w11**2 + j_w12**2 + j_w21**2 + j_w22**2",
    "jj": "jj_first + j_b1**2 + j_b2**2 + j_v1**2 + j_v2**2 + j_c**2",
    "X_w11_w11": "(1 - j_w11**2/(alpha + jj))/alpha",
    "X_w11_v1": "-j_w11*j_v1/(alpha*(alpha + jj))",
    # a damped step
    "p_w11": "-j_w11*d/(jj + mu)",
    "p_v1": "-j_v1*d/(jj + mu)",
    # two steps of conjugate gradients in w11 and v1, with the Hessian plus mu on its diagonal
    "A11": "h_w11_w11 + mu",
    "A12": "h_w11_v1*1",
    "A22": "h_v1_v1 + mu",
    "Ad1": "-(A11*g_w11 + A12*g_v1)",
    "Ad2": "-(A12*g_w11 + A22*g_v1)",
    "gg": "g_w11**2 + g_v1**2",
    "length": "-gg/(g_w11*Ad1 + g_v1*Ad2)",
    "r1": "g_w11 + length*Ad1",
    "r2": "g_v1 + length*Ad2",
    "mix": "(r1**2 + r2**2)/gg",
    "e1": "-r1 - mix*g_w11",
    "e2": "-r2 - mix*g_v1",
    # the evidence: one eigenvalue is not zero
    "gamma": "beta*jj/(beta*jj + alpha)",
    "E_W": "(w11**2 + w12**2 + w21**2 + w22**2 + b1**2 + b2**2 + v1**2 + v2**2 + c**2)/2",
    "new_alpha": "gamma/(2*E_W)",
    # a weight is removed, with X as the inverse of the curvature
    "X_v2_v2": "(1 - j_v2**2/(alpha + jj))/alpha",
    "X_v1_v2": "-j_v1*j_v2/(alpha*(alpha + jj))",
    "saliency": "v2**2/(2*X_v2_v2)",
    "damage": "(alpha + j_v2**2)*v2**2/2",
    "moved": "-v2*X_v1_v2/X_v2_v2",
    # the linear network with the same weights
    "W1": "v1*w11 + v2*w21",
    "W2": "v1*w12 + v2*w22",
    # derivatives by the first input
    "y_x": "v1*s1*w11 + v2*s2*w21",
    "y_xx": "v1*bend1*w11**2 + v2*bend2*w21**2",
}
"""Each quantity as arithmetic with those above it."""

FINE = ("z1", "z2", "y", "E", "y_plus", "y_minus", "E_plus", "E_minus")
"""What is shown with five digits, since differences of it are taken; everything else with three."""

FUNCTIONS = {"tanh": math.tanh}
NAME = re.compile(r"[A-Za-z_]\w*")


def rounded(value: float, digits: int = 3, /) -> str:
    """A number with so many digits at most, a true minus sign, and no zeros at its end.

    >>> rounded(-0.123456), rounded(2.0), rounded(0.0)
    ('−0.123', '2', '0')
    """
    if value == 0:
        return "0"
    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:.{places}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "−")


class WorkedExample:
    """All lines with their values; ``text`` shows one of them, ``vector`` gathers a quantity of all parameters.

    ``digits`` says with how many digits numbers are shown.

    >>> example = WorkedExample()
    >>> example.text("a1")
    '0.5·1 + (−1)·0.5 + 0.2 = 0.2'
    """

    network = Network((2, 2, 1))

    def __init__(self, digits: int = 3, /) -> None:
        self.digits = digits
        self.values: dict[str, float] = dict(GIVEN)
        for name, line in LINES.items():
            self.values[name] = self.evaluate(line, self.values)

    @staticmethod
    def evaluate(line: str, values: dict[str, float], /) -> float:
        """The value of a line, given those of its letters."""
        code = compile(line, "<worked example>", "eval")
        return float(eval(code, {"__builtins__": {}}, {**FUNCTIONS, **values}))  # the lines are those above

    def text(self, name: str, /) -> str:
        """The arithmetic of a line with numbers in the place of letters, and what it comes to."""
        line, value = LINES[name], self.values[name]

        def number(found: re.Match[str]) -> str:
            if found[0] in FUNCTIONS:
                return found[0]
            shown = self.shown(found[0])
            before, after = line[: found.start()].rstrip(), line[found.end() :]
            alone = not before or before.endswith("(")
            return f"({shown})" if shown[0] == "−" and not (alone and not after.startswith("**")) else shown

        shown = NAME.sub(number, line)
        for sign, mark in (("**2", "²"), ("*", "·"), ("-", "−"), ("/", " / ")):
            shown = shown.replace(sign, mark)
        result = self.shown(name)
        relation = "=" if math.isclose(value, float(result.replace("−", "-")), abs_tol=1e-12) else "≈"
        return f"{shown} {relation} {result}"

    def shown(self, name: str, /) -> str:
        """A value as the text shows it."""
        return rounded(self.values[name], max(self.digits, 5 if name in FINE else 0))

    def glue(self, *names: str) -> None:
        """Keep lines for the text of a page: ``{glue:text}`` of ``hand-a1`` is the line, of ``value-a1`` its value."""
        for name in names:
            shown = name.replace("_", "-")
            if name in LINES:
                glue(f"hand-{shown}", self.text(name))
            glue(f"value-{shown}", self.shown(name))

    def vector(self, quantity: str = "", /) -> np.ndarray:
        """Of every parameter its value, or with ``"g_"`` and ``"j_"`` the derivative of error or output by it."""
        return np.array([self.values[quantity + name] for name in PARAMETERS])

    @property
    def w(self) -> Any:
        """All weights and biases in the flat order."""
        return self.vector()

    @property
    def x(self) -> Any:
        """The pattern, as a batch."""
        return np.array([[self.values["x1"], self.values["x2"]]])

    @property
    def t(self) -> Any:
        """Its target."""
        return np.array([[self.values["t"]]])

    @staticmethod
    def place(name: str, /) -> int:
        """Where a parameter stands in the flat order."""
        return PARAMETERS.index(name)
