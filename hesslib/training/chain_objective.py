r"""The error of a chain of layers as optimisers ask for it, as `batch_objective` gives that of a network."""

import math
from functools import cached_property

import numpy as np

from hesslib._arrays import Array, eye_like, in_library_of
from hesslib.layers import Chain
from hesslib.layers.first import jacobian_of
from hesslib.layers.passes import Both, Run, backward, delta_of, joined, pull, push, rows, split_parameters
from hesslib.layers.passes import run as forward
from hesslib.layers.second import hessian_product
from hesslib.training.batch_objective import Objective
from hesslib.training.run import Run as Training
from hesslib.training.run import as_numpy


class ChainObjective(Objective):
    r"""$F(w)$ of one batch. `error` moves to a point; the rest is of the point where it is. Counts in its run."""

    def __init__(self, net: Chain, run: Training, x: Array, t: Array, *, decay: float = 0.0) -> None:
        if len(run.start) != net.num_parameters:
            raise ValueError(f"w0 has {len(run.start)} entries; the chain has {net.num_parameters} parameters")
        _, x, t = net.check_batch(in_library_of(run.w0, as_numpy(run.w0)), x, t)
        tokens = net.program.embedding is not None
        self.net = self.chain = net  # type: ignore[assignment]
        self.places = None
        self._begin(run, np.asarray(x) if tokens else as_numpy(x), as_numpy(t), decay)

    def _forward(self, w: np.ndarray) -> float:
        self.there: Run = forward(self.chain.program, w, self.x)
        return float(self.chain.loss.pattern_errors(*self._last()).sum())

    @cached_property
    def passes(self) -> Both:  # type: ignore[override]
        """Both passes."""
        with np.errstate(over="ignore", invalid="ignore"):
            return backward(self.chain.program, self.there, self.t)

    @cached_property
    def g(self) -> np.ndarray:
        """The gradient, kept."""
        self.run.gradients += 1
        with np.errstate(over="ignore", invalid="ignore"):
            g = self._of_patterns("sum")[0]
        return g + self.decay * self.moving

    def _of_patterns(self, want: str) -> np.ndarray:
        program = self.chain.program
        delta = delta_of(program, self.there.a, self.t)[None, ...]
        back = pull(program, self.there, delta, wanted=program.with_parameters, want=want)  # type: ignore[arg-type]
        lead = (1, len(self.x)) if want == "patterns" else (1,)
        return joined(program, back.parameters, lead, self.w)

    def spread(self) -> float:
        with np.errstate(over="ignore", invalid="ignore"):
            squares = float((self._of_patterns("patterns") ** 2).sum())
        return math.sqrt(len(self.x) * squares) + self.decay * float(np.linalg.norm(self.moving))

    def product(self, v: np.ndarray, /) -> np.ndarray:
        self.run.products += 1
        product: np.ndarray = hessian_product(self.chain, self.passes, v[None, :])[0] + self.decay * v
        return product

    def output_jacobian(self) -> np.ndarray:
        r"""Return $\partial a/\partial w$ with a row of K outputs for every pattern and position, (N R, K, P)."""
        program, a = self.chain.program, self.there.a
        if program.couples:  # by directions of the parameters: outputs depend on every pattern
            basis = split_parameters(program, eye_like(len(self.w), self.w))
            found = push(program, self.there, None, basis)[-1]
            return np.moveaxis(np.asarray(found), 0, -1).reshape(-1, a.shape[-1], len(self.w))
        J = np.asarray(jacobian_of(self.chain, self.there))
        return np.ascontiguousarray(np.moveaxis(J, 0, 1)).reshape(-1, a.shape[-1], len(self.w))

    def _last(self) -> tuple[np.ndarray, np.ndarray]:
        return rows(self.there.a), rows(self.t)
