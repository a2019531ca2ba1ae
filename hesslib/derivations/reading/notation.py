r"""Notations: which letters a book or a paper has for the quantities of a layered network.

A notation is declared, never assumed. Built in are "book" (this one), "prml" (Bishop 2006), "nielsen", "homework" and
"mackay"; another is a `Notation`, written in Python or read from YAML.

Longer than one sitting: every quantity of a network has its letter here, in five notations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import sympy as sp
from sympy import Expr, Symbol

from hesslib.calculus.index import Tensor, elementwise

from .. import network as net
from .. import two_layers
from .vocabulary import Vocabulary

__all__ = ["NOTATIONS", "Notation", "notation_of"]

t = Tensor("t", shape=(net.n[net.L],), pattern=True)
y = Tensor("y", shape=(net.n[net.L],), pattern=True)
x = Tensor("x", shape=(net.n[0],), pattern=True)
t2 = Tensor("t", shape=(net.n[2],), pattern=True)
y2 = Tensor("y", shape=(net.n[2],), pattern=True)
N = sp.Symbol("N", integer=True, positive=True)  # patterns
WEIGHTS = sp.Symbol("W", integer=True, positive=True)  # weights and biases, all together
W = Tensor("w", shape=(WEIGHTS,), independent=True)
V = Tensor("v", shape=(WEIGHTS,))
BIASES = sp.Symbol("B", integer=True, positive=True)  # biases, all together
U = Tensor("b", shape=(BIASES,), independent=True)


@dataclass(frozen=True)
class Notation:
    r"""The letters for the quantities of a network, in LaTeX.

    ``weights`` says whether $w_{ji}$ goes "to from" or "from to", and so the matrix of the weights; ``weight_layer``
    whether a weight has the number of the layer that it goes "to", or of the one that it comes "from"; ``layers``
    whether a layer number is written "bracketed", $w^{(l)}$, or "plain", $w^l$. ``units`` are the index letters of
    inputs, hidden units and outputs where a formula has no layer numbers, ``numbers`` the letters for how many of each
    there are. ``outputs`` are "any", "linear" or "activated"; ``loss`` is "any", "squares" (with their factor 1/2) or
    "whole squares" (without).
    Where a display tells patterns apart, ``whole`` says what the error without a number is: the "sum" of those of the
    patterns, their "mean", or "any". ``constants`` are letters for numbers, such as that of a weight decay.

    Errors: ValueError for a choice that is none.

    >>> Notation(pre_activation="s", activation="a", signal=r"\Delta").layers
    'bracketed'
    """

    name: str = "mine"
    weight: str = "w"  # goes to a unit from a unit, or from and to
    weights: str = "to from"  # the order of its indices
    weight_layer: str = "to"  # whose number a weight or bias has: of the layer that it goes to, or "from"
    bias: str = "b"
    pre_activation: str = "a"  # what a unit receives
    activation: str = "z"  # what it sends
    function: str = "h"  # from the one to the other
    error: str = "E"  # of one pattern
    signal: str = r"\delta"  # the derivative of the error by a pre-activation
    curvature: str = "M"  # the second derivative of the error by the last pre-activations
    input: str = "x"
    output: str = "y"  # empty where the last activation has no letter of its own
    target: str = "t"
    kronecker: str = "I"
    direction: str = "v"  # R{w}
    bias_direction: str = "u"  # R{b}
    forward: str = "G"  # the derivative of pre-activations by pre-activations
    backward: str = "B"  # of signals
    width: str = "n"
    depth: str = "L"
    layers: str = "bracketed"  # or plain
    units: Mapping[str, str] = field(default_factory=dict)  # inputs, hidden, outputs
    numbers: Mapping[str, str] = field(default_factory=dict)  # how many there are: inputs, hidden, outputs
    biases: str = "always"  # or "where written": absorbed into the weights elsewhere
    outputs: str = "any"  # "linear" or "activated"
    loss: str = "any"  # or "squares", or "whole squares"
    pattern: str = "n"  # counts patterns, as in E_n
    patterns: str = "N"  # how many there are
    jacobian: str = ""  # the derivatives of the outputs by the inputs
    hessian: str = "H"  # the second derivatives of the error by all weights, which are one vector then
    slope: str = ""  # with the number of a pattern: the gradient of the only output
    whole: str = "any"  # E where there are several patterns: their "sum" or "mean"
    constants: Sequence[str] = (r"\alpha", r"\lambda", r"\eta")  # numbers that depend on nothing

    def __post_init__(self) -> None:
        if isinstance(self.constants, str) or not all(isinstance(letter, str) for letter in self.constants):
            raise ValueError(f"constants is {self.constants!r}; it must be a list of letters")
        object.__setattr__(self, "constants", tuple(self.constants))
        choices = {
            "weights": ("to from", "from to"),
            "weight_layer": ("to", "from"),
            "layers": ("bracketed", "plain"),
            "biases": ("always", "where written"),
            "outputs": ("any", "linear", "activated"),
            "loss": ("any", "squares", "whole squares"),
            "whole": ("any", "sum", "mean"),
        }
        for what, allowed in choices.items():
            if getattr(self, what) not in allowed:
                raise ValueError(
                    f"{what} is {getattr(self, what)!r}; it must be one of {', '.join(map(repr, allowed))}"
                )
        for what in ("units", "numbers"):
            for unit in getattr(self, what):
                if unit not in ("inputs", "hidden", "outputs"):
                    raise ValueError(f"{what} has {unit!r}; its keys are inputs, hidden and outputs")

    @classmethod
    def from_yaml(cls, text: str, /) -> Notation:
        """The notation that a YAML text declares, one line a letter."""
        import yaml

        found = yaml.safe_load(text)
        if not isinstance(found, dict):
            raise ValueError(f"the notation is a {type(found).__name__}; it must be a list of names with letters")  # noqa: TRY004
        base = found.pop("like", None)
        known = {f.name for f in fields(cls)}
        for name in found:
            if name not in known:
                raise ValueError(f"{name!r} is no part of a notation; its parts are {', '.join(sorted(known))}")
        started = {f.name: getattr(notation_of(base), f.name) for f in fields(cls)} if base else {}
        return cls(**{**started, **found})

    def two_layered(self, signs: set[str]) -> bool:
        """Whether a formula with these signs is about the network with two layers."""
        telling = {self.input, self.output, self.target, self.curvature, self.jacobian, "1", "2"} - {""}
        return bool(self.units) and bool(signs & telling)

    def vocabulary(self, *, two: bool = False, patterns: bool = False) -> Vocabulary:
        """The letters as the reader knows them; ``patterns`` says that the display is about several patterns."""
        n, w = net.n, net.w
        tensors: dict[str, Tensor] = {
            self.weight: w, self.weight.upper(): w, self.bias: net.b, self.pre_activation: net.a,
            self.activation: net.z, self.signal: net.delta, self.direction: net.v, self.bias_direction: net.u,
            self.forward: net.G, self.backward: net.B, self.width: n, self.input: two_layers.x if two else x,
            self.target: t2 if two else t, self.curvature: two_layers.M if two else net.M,
        }  # fmt: skip
        if self.output:
            tensors[self.output] = y2 if two else y
        symbols: dict[str, Expr] = {"l": net.l, "m": net.m, self.depth: net.L, self.error: net.E}
        layer: dict[str, Expr] = {}
        many: dict[str, Expr] = {}
        for unit, at in zip(("inputs", "hidden", "outputs"), (0, 1, 2) if two else (-1, 0, 1), strict=True):
            for letter in self.units.get(unit, ""):
                layer[letter] = sp.Integer(at) if two else net.l + at
                symbols.pop(letter, None)
            if unit in self.numbers:
                many[self.numbers[unit]] = n[at if two else net.l + at]
        functions = {self.function: elementwise("h")}
        taken = {*tensors, *symbols, self.function}
        symbols |= {letter: Symbol(letter.removeprefix("\\")) for letter in self.constants if letter not in taken}
        if r"\sigma" not in {*taken, *symbols}:
            functions[r"\sigma"] = _logistic
        if patterns:
            symbols[self.patterns] = N
            symbols.pop(self.pattern, None)
        turned = {self.weight, self.weight.upper(), self.direction} if self.weights == "from to" else set()
        tensors = {letter: tensor for letter, tensor in tensors.items() if letter and letter != self.error}
        return Vocabulary(
            tensors=tensors,
            symbols=symbols,
            functions=functions,
            operators={r"\mathcal{R}": net.R.op},
            kronecker=(self.kronecker,) if self.kronecker else (),
            turned=frozenset(turned),
            layers=self.layers,
            layer_of_letter=layer,
            size_of_letter={letter: n[at] for letter, at in layer.items()} | ({self.pattern: N} if patterns else {}),
            last=sp.Integer(2) if two else net.L,
            lifted=self.weight_layer == "from",
            in_scripts=many | ({self.depth: net.L} if self.depth == self.error else {}),
            pattern=self.pattern if patterns else "",
            vectors={letter: v for letter, v in ((self.weight, W), (self.direction, V)) if letter},
            input=self.input,
            jacobian=self.jacobian if self.jacobian not in tensors and self.jacobian not in symbols else "",
            hessian=self.hessian if self.hessian not in tensors and self.hessian not in symbols else "",
            slope=self.slope if patterns else "",
            parameters=frozenset({self.weight, self.weight.upper(), self.bias} - {""}),
            inputs=frozenset({self.input, self.target} - {""}),
            outputs=(t2, y2) if two else (t, y),
        )


def _logistic(a: Expr) -> Expr:
    r"""The logistic sigmoid, which $\sigma$ is where a notation gives that letter no other meaning."""
    return 1 / (1 + sp.exp(-a))


BOOK = Notation("book", whole="sum")
PRML = Notation(
    "prml", units={"inputs": "i", "hidden": "j", "outputs": "k"}, biases="where written", whole="sum", slope="b",
    numbers={"inputs": "D", "hidden": "M", "outputs": "K"}, jacobian="J",
)  # fmt: skip
NIELSEN = Notation(
    "nielsen", pre_activation="z", activation="a", function=r"\sigma", error="C", layers="plain", target="y", output="",
    outputs="activated", curvature="", kronecker="I", forward="", backward="", pattern="x", patterns="n", whole="mean",
)  # fmt: skip
HOMEWORK = Notation(
    "homework", weights="from to", pre_activation="z", activation="a", function="f", error="C", signal=r"\Delta",
    layers="plain", target="y", output="", outputs="activated", loss="squares", kronecker=r"\delta", curvature="",
    forward="", backward="",
)  # fmt: skip
MACKAY = Notation(
    "mackay", bias=r"\theta", activation="h", function="f", units={"inputs": "l", "hidden": "j", "outputs": "i"},
    bias_direction="u", whole="sum",
)  # fmt: skip
NOTATIONS = {notation.name: notation for notation in (BOOK, PRML, NIELSEN, HOMEWORK, MACKAY)}
"""The notations that have a name."""


def notation_of(what: Any, /) -> Notation:
    """A notation by its name, or as it is."""
    if isinstance(what, Notation):
        return what
    if what not in NOTATIONS:
        raise ValueError(f"notation is {what!r}; it must be a Notation or one of {', '.join(NOTATIONS)}")
    return NOTATIONS[what]
