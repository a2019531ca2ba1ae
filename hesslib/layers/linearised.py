"""A chain at a point: the products of its first and second derivatives there, for blocks of directions."""

from __future__ import annotations

from typing import Any, NamedTuple

from array_api_compat import array_namespace

from hesslib._arrays import Array
from hesslib.layers.passes import joined, pull, push, split_parameters


class Linearised(NamedTuple):
    r"""A chain at one point: what it gives there, and products with its derivatives by inputs and parameters.

    $a(x,w)$ with $\dot a=\partial a/\partial x\,\dot x+\partial a/\partial w\,\dot w$, with the transpose, and with
    $\sum_o\delta_o\,\partial^2a_o$. What a layer supplies, for layers put together.

    Shapes: directions have an axis in front: (V, N, \*shape) of inputs and outputs, (V, P) of parameters.
    Cost: `jvp` and `vjp` about a forward pass for each direction, `second` about three; memory: every state,
    for each direction.
    Errors: ValueError for a direction of another shape.

    >>> import numpy as np
    >>> from hesslib import Chain, layers
    >>> here = Chain([layers.Dense(1, 1)]).linearise(np.array([2.0, 1.0]), np.array([[3.0]]))
    >>> here.vjp(np.ones((1, 1, 1)))
    (array([[[2.]]]), array([[3., 1.]]))
    """

    program: Any  # the functions of the chain
    run: Any  # the forward pass: its states, and what each function keeps

    @property
    def outputs(self) -> Array:
        """The last pre-activations, (N, ..., K)."""
        return self.run.a

    def jvp(self, dx: Array | None, dw: Array | None, /) -> Array:
        r"""Return $\dot a$ for directions of the inputs and of the parameters, of which one may be None."""
        return self._pushed(dx, dw)[-1]

    def vjp(self, g: Array, /) -> tuple[Array | None, Array]:
        r"""Return $\sum_og_o\,\partial a_o$ by inputs and by parameters; None by tokens."""
        self._check("g", g, self.outputs)
        back = pull(self.program, self.run, g, wanted=self.program.with_parameters, inputs=self._differentiable)
        return back.states[0], joined(self.program, back.parameters, (g.shape[0],), self.outputs)

    def second(self, delta: Array, dx: Array | None, dw: Array | None, /) -> tuple[Array | None, Array]:
        r"""Return $\sum_o\delta_o\,\partial^2a_o$ applied to directions, by inputs and by parameters."""
        self._check("delta", delta[None, ...], self.outputs)
        dz = self._pushed(dx, dw)
        wanted = self.program.with_parameters
        first = pull(self.program, self.run, delta[None, ...], wanted=wanted, inputs=self._differentiable)
        back = pull(
            self.program,
            self.run,
            None,
            wanted=wanted,
            inputs=self._differentiable,
            delta=[None if state is None else state[0, ...] for state in first.states],
            dz=dz,
            dtheta=self._split(dw),
        )
        (V,) = {d.shape[0] for d in (dx, dw) if d is not None}
        return self._zero(back.states[0], V), joined(self.program, back.parameters, (V,), self.outputs)

    @property
    def _differentiable(self) -> bool:
        return self.program.embedding is None

    def _zero(self, state: Array | None, V: int) -> Array | None:
        if state is not None or not self._differentiable:
            return state
        x = self.run.states[0]
        return array_namespace(x).broadcast_to((x * 0)[None, ...], (V, *x.shape))

    def _split(self, dw: Array | None) -> list[Array | None]:
        return [None] * len(self.program.steps) if dw is None else split_parameters(self.program, dw)

    def _pushed(self, dx: Array | None, dw: Array | None) -> list[Array | None]:
        if dx is None and dw is None:
            raise ValueError("dx and dw are None; one of them must be given")
        if dx is not None:
            self._check("dx", dx, self.run.states[0])
        if dw is not None and (dw.ndim != 2 or dw.shape[1] != self.program.num_parameters):
            raise ValueError(f"dw has shape {tuple(dw.shape)}; it must be (V, {self.program.num_parameters})")
        return push(self.program, self.run, dx, self._split(dw))

    def _check(self, name: str, directions: Array, like: Array) -> None:
        if tuple(directions.shape[1:]) != tuple(like.shape):
            wanted = ", ".join(map(str, like.shape))
            raise ValueError(f"{name} has shape {tuple(directions.shape)}; it must be (V, {wanted})")
