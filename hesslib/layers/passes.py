r"""The passes of a chain: forward, backward, and those of $\mathcal R\{\cdot\}$, each one loop over its functions.

Lists of states have an entry for each state of the program, lists of parameters one for each function; None is zero, or
not wanted.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Literal, NamedTuple

from array_api_compat import array_namespace

from hesslib._arrays import Array, zeros_like
from hesslib.layers.layer import total
from hesslib.layers.merges import Merge
from hesslib.layers.program import Program

Want = Literal["sum", "patterns"]


class Run(NamedTuple):
    """A forward pass: every state, and what each function keeps for its derivatives."""

    states: tuple[Array, ...]
    kept: tuple[Any, ...]

    @property
    def a(self) -> Array:
        """The last pre-activations, (N, ..., K)."""
        return self.states[-1]


def run(program: Program, w: Array, x: Array, /, order: int = 2) -> Run:
    """Run a chain on checked inputs."""
    states, kept, w = [x], [], program.spread(w)
    for layer, inputs, where, _ in program.steps:
        taken: Any = [states[node] for node in inputs]
        out, needed = layer.forward(w[where], taken if isinstance(layer, Merge) else taken[0], order)
        states.append(out)
        kept.append(needed)
    return Run(tuple(states), tuple(kept))


def push(
    program: Program,
    here: Run,
    dx: Array | None,
    dtheta: Sequence[Array | None],
    /,
    *,
    at: dict[int, Array] | None = None,
) -> list[Array | None]:
    r"""Return $\dot z$ of every state for directions of the inputs and of the parameters, or of the states `at`."""
    given = at or {}
    dz: list[Array | None] = [total(dx, given.get(0))]
    for number, (layer, inputs, _, _) in enumerate(program.steps):
        taken = [dz[node] for node in inputs]
        own, added = dtheta[number], given.get(number + 1)
        if own is None and all(d is None for d in taken):
            dz.append(added)
            continue
        dz.append(total(layer.jvp(here.kept[number], taken if isinstance(layer, Merge) else taken[0], own), added))
    return dz


class Pulled(NamedTuple):
    """What a backward pass found: sensitivities of the states, and of the parameters, by function."""

    states: list[Array | None]
    parameters: list[Array | None]


def pull(
    program: Program,
    here: Run,
    g: Array | None,
    /,
    *,
    wanted: Collection[int],
    want: Want | None = "sum",
    inputs: bool = False,
    delta: Sequence[Array | None] = (),
    dz: Sequence[Array | None] = (),
    dtheta: Sequence[Array | None] = (),
    at: dict[int, Array] | None = None,
) -> Pulled:
    r"""Return $\sum_og_o\,\partial a_o$ by the states and by the parameters of the functions `wanted`.

    With `delta`, the sensitivities of every state without an axis of directions, and the directions `dz` and `dtheta`,
    it is the backward pass of $\mathcal R\{\cdot\}$: at each function the second derivatives are added,
    $\mathcal R\{\delta\}$ is what is carried, and `g` is $\mathcal R\{\delta^{(L)}\}$. `at` are further sensitivities
    that begin at states. With ``want=None`` only the states are followed, down to the functions `wanted`.
    """
    needed = program.depending(wanted, on_inputs=inputs)
    found: list[Array | None] = [None] * len(here.states)
    found[-1] = g
    for node, begun in (at or {}).items():
        found[node] = total(found[node], begun)
    parameters: list[Array | None] = [None] * len(program.steps)
    for number in reversed(range(len(program.steps))):
        layer, nodes, _, _ = program.steps[number]
        received, kept = found[number + 1], here.kept[number]
        taken: Any = [dz[node] for node in nodes] if dz else [None] * len(nodes)
        bent = bool(dz) and layer.bends and delta[number + 1] is not None
        moved = any(d is not None for d in taken)
        own = dtheta[number] if dtheta else None
        if number in wanted and want is not None:
            parts = [None if received is None else layer.vjp_parameters(kept, received, patterns=want == "patterns")]
            if bent and moved:
                parts.append(layer.second_parameters(kept, delta[number + 1], taken[0], patterns=want == "patterns"))
            parameters[number] = total(*parts)
        if not any(needed[node] for node in nodes):
            continue
        merges = isinstance(layer, Merge)
        back: Any = [None] * len(nodes)
        if received is not None:
            pulled = layer.vjp_inputs(kept, received)
            back = pulled if merges else [pulled]
        if bent and (moved or own is not None):
            curved = layer.second_inputs(kept, delta[number + 1], taken if merges else taken[0], own)
            if curved is not None:
                back = [total(*both) for both in zip(back, curved if merges else [curved], strict=True)]
        for node, part in zip(nodes, back, strict=True):
            if needed[node]:
                found[node] = total(found[node], part)
    return Pulled(found, parameters)


def split_parameters(program: Program, v: Array, /) -> list[Array | None]:
    """Return the part of each function in vectors (V, P)."""
    v = program.spread(v)
    return [v[..., where] if layer.num_parameters else None for layer, _, where, _ in program.steps]


def joined(program: Program, parts: Sequence[Array | None], lead: tuple[int, ...], like: Array, /) -> Array:
    r"""Return the parts of all functions along one last axis, (\*lead, P), added up where they share parameters."""
    xp = array_namespace(like)
    every = []
    for part, (layer, _, _, _) in zip(parts, program.steps, strict=True):
        if layer.num_parameters:
            every.append(zeros_like((*lead, layer.num_parameters), like) if part is None else part)
    return program.gather(xp.concat(every, axis=-1)) if every else zeros_like((*lead, 0), like)


def rows(a: Array, lead: int = 0, /) -> Array:
    """Return last pre-activations with one axis for patterns and positions: (..., N, ..., K) as (..., N R, K)."""
    return array_namespace(a).reshape(a, (*a.shape[:lead], -1, a.shape[-1]))


def delta_of(program: Program, a: Array, t: Array, /) -> Array:
    r"""Return $\delta^{(L)}$, of the shape of `a`."""
    return array_namespace(a).reshape(program.loss.delta(rows(a), rows(t)), a.shape)


def M_times(program: Program, a: Array, v: Array, /) -> Array:
    """Return $Mv$ for directions (V, N, ..., K)."""
    return array_namespace(a).reshape(program.loss.M_times(rows(a), rows(v, 1)), v.shape)


class Both(NamedTuple):
    r"""A forward pass, and the sensitivities $\delta$ of every state."""

    here: Run
    delta: list[Array | None]


def both(program: Program, w: Array, x: Array, t: Array, /) -> Both:
    """Run both passes on a checked batch. Cost: that of a gradient."""
    return backward(program, run(program, w, x), t)


def backward(program: Program, here: Run, t: Array, /) -> Both:
    """Go back from a forward pass that is there."""
    back = pull(program, here, delta_of(program, here.a, t)[None, ...], wanted=program.with_parameters, want=None)
    return Both(here, [None if state is None else state[0, ...] for state in back.states])
