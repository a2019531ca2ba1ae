"""A function or a module of JAX with convolutions, normalisations, attention or branches as a `Chain` of layers.

JAX shows what is computed: the model is traced on a batch, with every known module as one operation, so that nobody has
to say what stands between them. What is computed is then taken up from the end. An operation becomes a layer: a known
module, a product with a matrix of parameters, a sum, a product, a concatenation, a mean, a change of shape. What is
none of these is known by its values: it is the activation of an earlier state that has them. Everything else is refused
by name. At the end outputs and gradients of model and chain are compared on random inputs.

Longer than one sitting: each kind of operation is recognised, or refused by name.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import numpy as np

from hesslib import layers
from hesslib._arrays import to_numpy
from hesslib.convert.chains import Part, compare_chain, graph_of, put_together
from hesslib.convert.convention import LossConvention
from hesslib.convert.converted import Converted
from hesslib.convert.double_precision import in_double
from hesslib.convert.equinox_modules import OF_ROWS, is_known, is_refused, layers_of
from hesslib.convert.known_functions import POINTS, name_of_values
from hesslib.convert.refusals import ANY_MODEL, refusal
from hesslib.layers import Chain, Layer

NOTHING_RUN = (
    "the arrays alone tell no function, and nothing was run: with inputs= (and apply= where params cannot be called) "
    "model and chain are run beside each other"
)
MOST_BEFORE = 64  # operations that an activation may be made of
MOVING = ("broadcast_in_dim", "reshape", "transpose", "squeeze", "expand_dims", "concatenate", "slice", "copy", "rev")
"""Operations that only move the numbers of a parameter."""
ENDS = ("layer", "dot_general", "reshape", "transpose", "concatenate", "reduce_sum", "stop_gradient")
"""Operations that are no part of an activation."""


def chain_of(
    params: Any, inputs: Any, convention: LossConvention | None, apply: Callable[[Any, Any], Any] | None
) -> Converted:
    """Return a model as a `Chain`, with its weights and order.

    Raises ValueError that names what is not understood, and if model and chain do not agree to rounding.
    """
    x = np.asarray(inputs)
    if x.ndim < 2 or x.dtype.kind not in "fiu":
        raise ValueError(f"inputs has shape {x.shape}; it must be a batch (N, ...), of the shape the model is used on")
    if apply is None and not callable(params):
        raise ValueError(
            "apply is missing; these parameters cannot be called, and need a function of params and inputs"
        )
    with in_double("jax"):
        model = _Model(params, apply)
        parts = _Reader(model, x).parts()
        placed = [(part.name, at) for part in parts for at in part.positions]
        chain = graph_of(parts, convention.loss if convention else "squared_error")
        converted = put_together(chain, placed, model.theirs, convention)
        return replace(converted, said=compare_chain(converted, model.run, x.shape, x.dtype.kind == "f"))


def chain_of_description(
    params: Any,
    described: Sequence[Layer],
    inputs: Any,
    convention: LossConvention | None,
    apply: Callable[[Any, Any], Any] | None,
    transposed: bool,
) -> Converted:
    """Return arrays as the parameters of layers that are told, in their order; compared if there is what to run.

    Raises ValueError that names the first array that does not fit.
    """
    with in_double("jax"):
        model = _Model(params, apply)
        chain = Chain(described, loss=convention.loss if convention else "squared_error")
        if len(model.theirs) != len(chain.shapes):
            wanted = ", ".join(f"{name} {shape}" for name, shape in chain.shapes.items())
            raise refusal(f"params has {len(model.theirs)} arrays; the layers take {len(chain.shapes)}: {wanted}")
        dense = (
            {step.name for step in chain.program.steps if isinstance(step.layer, layers.Dense)} if transposed else ()
        )
        order, start = [], 0
        for (place, values), (name, shape) in zip(model.theirs, chain.shapes.items(), strict=True):
            turned = len(shape) == 2 and name.rpartition(".")[0] in dense
            theirs = shape[::-1] if turned else shape
            if [n for n in values.shape if n != 1] != [n for n in theirs if n != 1]:
                raise refusal(f"params{place} has shape {values.shape}; {name} of the layers is {theirs}")
            at = (start + np.arange(values.size)).reshape(theirs)
            order.append((name, at.T if turned else at))
            start += values.size
        converted = put_together(chain, order, model.theirs, convention)
        if inputs is None or (apply is None and not callable(params)):
            return replace(converted, said=NOTHING_RUN)
        x = np.asarray(inputs)
        return replace(converted, said=compare_chain(converted, model.run, x.shape, x.dtype.kind == "f"))


class _Model:
    """A tree of parameters and what it is called with; its parameters are its floating arrays, in their order."""

    def __init__(self, params: Any, apply: Callable[[Any, Any], Any] | None) -> None:
        import jax

        self.apply = apply
        leaves, self.structure = jax.tree_util.tree_flatten_with_path(params)
        self.leaves = [leaf for _, leaf in leaves]
        self.theirs: list[tuple[str, np.ndarray]] = []
        positions, start = [], 0
        for path, leaf in leaves:
            if not _is_floating(leaf):
                positions.append(leaf)
                continue
            values = to_numpy(leaf)
            self.theirs.append((_place(path), values))
            positions.append(start + np.arange(values.size).reshape(values.shape))
            start += values.size
        places = jax.tree_util.tree_unflatten(self.structure, positions)
        self.outer, self.outer_structure = jax.tree_util.tree_flatten_with_path(params, is_leaf=_is_whole)
        self.outer_positions = jax.tree_util.tree_leaves(places, is_leaf=_is_whole)
        for path, leaf in self.outer:
            if is_refused(leaf):
                raise refusal(f"layer {_place(path)} is {type(leaf).__name__}; a Chain has no layer for it")

    def run(self, x: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
        """The outputs in double precision, and the gradient of their weighted sum in one vector."""
        import jax
        import jax.numpy as jnp

        def outputs(arrays: Sequence[Any]) -> Any:
            given = iter(arrays)
            every = [next(given) if _is_floating(leaf) else leaf for leaf in self.leaves]
            return self.called(jax.tree_util.tree_unflatten(self.structure, every), jnp.asarray(x))

        arrays = [jnp.asarray(values, jnp.float64) for _, values in self.theirs]
        found = to_numpy(outputs(arrays))
        if weights is None:
            return found, None
        gradient = jax.grad(lambda arrays: jnp.sum(outputs(arrays) * weights))(arrays)
        return found, np.concatenate([np.zeros(0), *(to_numpy(one).reshape(-1) for one in gradient)])

    def called(self, params: Any, x: Any) -> Any:
        """The outputs of a batch: a module is called for one pattern, as Equinox's are."""
        import jax

        return jax.vmap(params)(x) if self.apply is None else self.apply(params, x)


def _is_floating(leaf: Any) -> bool:
    return hasattr(leaf, "shape") and hasattr(leaf, "dtype") and str(leaf.dtype).startswith(("float", "bfloat"))


def _is_whole(leaf: Any) -> bool:
    return is_known(leaf) or is_refused(leaf)


def _place(path: Any) -> str:
    import jax

    return str(jax.tree_util.keystr(path)).removeprefix(".") or "itself"


class _Known:
    """What stands for a known module while the model is traced: a call of it is one operation."""

    def __init__(self, place: str, module: Any, positions: Any, traced: Any) -> None:
        self.of_trace = place, module, positions
        self.traced = traced  # the module with arrays that are followed, for those who read its weights

    def __getattr__(self, name: str) -> Any:
        return getattr(self.traced, name)

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        place, module, _ = self.of_trace
        kind = type(module).__name__
        if kind in ("Dropout", "Identity", "MultiheadAttention"):
            layers_of(place, module, (), False)  # refuses what is random
        if kind in ("Dropout", "Identity"):
            return inputs[0]
        if kind != "MultiheadAttention":
            return _operation().bind(inputs[0], module=self, rows=0)
        given = {**dict(zip(("query", "key_", "value", "mask"), inputs, strict=False)), **options}
        if given.get("process_heads") is not None:
            raise refusal(f"layer {place} is MultiheadAttention with process_heads; a Chain has none")
        mask = [] if given.get("mask") is None else [given["mask"]]
        return _operation().bind(given["query"], given["key_"], given["value"], *mask, module=self, rows=0)


OPERATION: list[Any] = []
"""The operation of JAX that a call of a known module is, once it is made."""


def _operation() -> Any:
    if OPERATION:
        return OPERATION[0]
    import jax
    import jax.numpy as jnp
    from jax.extend.core import Primitive
    from jax.interpreters import batching

    operation = Primitive("layer")

    def shape_of(*inputs: Any, module: _Known, rows: int) -> Any:
        of_one = [jax.ShapeDtypeStruct(one.shape[rows if i < 3 else 0 :], one.dtype) for i, one in enumerate(inputs)]
        found = jax.eval_shape(module.of_trace[1], *of_one)
        return jax.core.ShapedArray((*inputs[0].shape[:rows], *found.shape), found.dtype)

    def mapped(inputs: Any, axes: Any, *, module: _Known, rows: int) -> Any:
        if any(axis is None for axis in axes[:3]) or any(axis is not None for axis in axes[3:]):
            raise refusal(f"layer {module.of_trace[0]} is mapped over some of its inputs; a Chain has no layer for it")
        moved = [jnp.moveaxis(one, axis, 0) if axis else one for one, axis in zip(inputs, axes, strict=True)]
        return operation.bind(*moved, module=module, rows=rows + 1), 0

    operation.def_abstract_eval(shape_of)
    batching.primitive_batchers[operation] = mapped
    OPERATION.append(operation)
    return operation


SERIAL = count()


@dataclass(eq=False)
class _Value:
    """Something that is computed: by an operation from other values; or a parameter, the inputs, a constant."""

    shape: tuple[int, ...]
    operation: Any = None
    options: dict[str, Any] = field(default_factory=dict)
    of: list[Any] = field(default_factory=list)
    positions: np.ndarray | None = None  # of a parameter
    constant: Any = None
    uses: int = 0
    serial: int = field(default_factory=lambda: next(SERIAL))

    @property
    def name(self) -> str:
        """What the operation is called."""
        return "" if self.operation is None else str(self.operation.name)


class _Reader:
    """Reads what a traced model computes, from the end."""

    def __init__(self, model: _Model, x: np.ndarray) -> None:
        self.model, self.x = model, x
        self.found: list[Part] = []
        self.state: dict[_Value, int] = {}  # the numbers of the states that have been made

    def parts(self) -> list[Part]:
        """Return the layers with the positions of their parameters."""
        last = self._number(self._traced())
        if last != len(self.found) or not self.found:
            raise refusal("the model gives something else than what its last layer computes")
        return self.found

    def _traced(self) -> _Value:
        """The outputs, and with them whatever they are computed from."""
        import jax
        import jax.numpy as jnp

        model, inner = self.model, jax.tree_util.tree_flatten
        leaves = [inner(leaf) if is_known(leaf) else ([leaf], None) for _, leaf in model.outer]
        places = [inner(at)[0] if is_known(at) else [at] for at in model.outer_positions]
        positions = [at for own, ats in zip(leaves, places, strict=True) for leaf, at in zip(own[0], ats, strict=True)
                     if _is_floating(leaf)]  # fmt: skip

        def outputs(arrays: Sequence[Any], x: Any) -> Any:
            given, every = iter(arrays), []
            for (path, leaf), (own, structure), at in zip(model.outer, leaves, model.outer_positions, strict=True):
                traced = [next(given) if _is_floating(one) else one for one in own]
                module = traced[0] if structure is None else jax.tree_util.tree_unflatten(structure, traced)
                every.append(module if structure is None else _Known(_place(path), leaf, at, module))
            return model.called(jax.tree_util.tree_unflatten(model.outer_structure, every), x)

        arrays = [jax.ShapeDtypeStruct(at.shape, jnp.float64) for at in positions]
        x = jax.ShapeDtypeStruct(self.x.shape, jnp.float64 if self.x.dtype.kind == "f" else jnp.int64)
        try:
            traced = jax.make_jaxpr(outputs)(arrays, x)
        except Exception as reason:
            if ANY_MODEL in str(reason):
                raise
            line = (str(reason).strip().splitlines() or [""])[0][:160]
            raise refusal(f"the model cannot be traced by JAX ({type(reason).__name__}: {line})") from reason
        given = [_Value(at.shape, positions=at) for at in positions]
        given.append(_Value(self.x.shape))
        self.state[given[-1]] = 0
        every = self._computed(traced.jaxpr, traced.consts, given)
        if len(every) != 1:
            raise refusal(f"the model gives {len(every)} arrays; a Chain gives one")
        return every[0]

    def _computed(self, jaxpr: Any, constants: Sequence[Any], given: Sequence[_Value]) -> list[_Value]:
        """The values that a program computes, operations within operations taken apart."""
        values: dict[Any, _Value] = dict(zip(jaxpr.invars, given, strict=True))
        values.update((v, _constant(one)) for v, one in zip(jaxpr.constvars, constants, strict=True))
        for equation in jaxpr.eqns:
            of = [_constant(one.val) if hasattr(one, "val") else values[one] for one in equation.invars]
            inner = next((equation.params[key] for key in ("jaxpr", "call_jaxpr") if key in equation.params), None)
            if inner is not None and equation.primitive.name not in ("scan", "while", "cond"):
                made = self._computed(getattr(inner, "jaxpr", inner), getattr(inner, "consts", ()), of)
            else:
                made = [_Value(v.aval.shape, equation.primitive, equation.params, of) for v in equation.outvars]
                made = [_folded(one) for one in made] if len(made) == 1 else made
            for one in of:
                one.uses += 1
            values.update(zip(equation.outvars, made, strict=True))
        return [_constant(one.val) if hasattr(one, "val") else values[one] for one in jaxpr.outvars]

    def _number(self, value: _Value) -> int:
        """The number of the state that a value is; the layers that make it are added first."""
        if value not in self.state:
            made = None
            if value.operation is not None:
                made = self._structure(value)
                made = self._activation(value) if made is None else made
                made = self._merge(value) if made is None else made
            if made is None:
                raise refusal(_unknown(value))
            self.state[value] = made
        return self.state[value]

    def _add(self, name: str, layer: Layer, inputs: tuple[int, ...], *positions: np.ndarray) -> int:
        taken = {part.name for part in self.found}
        unique = name if name not in taken else f"{name}#{len(self.found)}"
        self.found.append(Part(unique, layer, inputs, list(positions)))
        return len(self.found)

    def _structure(self, value: _Value) -> int | None:
        """Layers that are known by their operation: modules, matrices, changes of shape, concatenations, means."""
        name, of = value.name, value.of
        if name == "layer":
            return self._module(value)
        if name == "dot_general":
            return self._matrix(value, None)
        if name in ("reshape", "squeeze", "expand_dims", "broadcast_in_dim"):
            return self._reshaped(value)
        if name == "transpose":
            order = tuple(int(axis) for axis in value.options["permutation"])
            if order[0] != 0:
                raise refusal("the model moves the axis of the patterns; it must stay the first")
            axes = tuple(axis - 1 for axis in order[1:])
            return self._add("transpose", layers.Transpose(axes), (self._number(of[0]),))
        if name == "concatenate":
            if value.options["dimension"] == 0:
                raise refusal("the model puts patterns one after the other; it must join another axis")
            return self._add("concatenate", layers.Join(value.options["dimension"]), tuple(map(self._number, of)))
        if name == "div" and of[0].name == "reduce_sum" and of[1].constant is not None:
            axes = tuple(int(axis) for axis in of[0].options["axes"])
            lengths = math.prod(of[0].of[0].shape[axis] for axis in axes)
            if 0 not in axes and np.all(of[1].constant == lengths):
                return self._add("mean", layers.Mean(*(axis - 1 for axis in axes)), (self._number(of[0].of[0]),))
        return None

    def _module(self, value: _Value) -> int:
        known, rows, of = value.options["module"], value.options["rows"], value.of
        place, module, positions = known.of_trace
        kind = type(module).__name__
        if kind not in OF_ROWS and rows != 1:
            raise refusal(f"layer {place} is {kind}, mapped over {rows - 1} axes of a pattern; it must be over none")
        causal = len(of) > 3 and _is_causal(place, of[3])
        if kind == "MultiheadAttention" and not of[0] is of[1] is of[2]:
            return self._crossing(place, positions, of, causal)
        number = self._number(of[0])
        for layer, parameters in layers_of(place, positions, of[0].shape[1:], causal):
            number = self._add(place, layer, (number,), *parameters)
        return number

    def _crossing(self, place: str, positions: Any, of: Sequence[_Value], causal: bool) -> int:
        """Attention of one state to others: three dense layers, the attention itself, and a dense layer."""
        if causal:
            raise refusal(f"layer {place} is MultiheadAttention of different states with a mask; it must have none")

        def dense(name: str, number: int) -> int:
            projection = getattr(positions, f"{name}_proj")
            ((layer, parameters),) = layers_of(f"{place}.{name}", projection, (), False)
            return self._add(f"{place}.{name}", layer, (number,), *parameters)

        made = [dense(name, self._number(one)) for name, one in zip(("query", "key", "value"), of, strict=False)]
        crossed = self._add(f"{place}.attention", layers.CrossAttention(positions.num_heads), tuple(made))
        return dense("output", crossed)

    def _matrix(self, value: _Value, bias: np.ndarray | None) -> int | None:
        """A dense layer that is written as a product."""
        state, matrix = value.of
        ((left, right), batch) = value.options["dimension_numbers"]
        P = _positions(matrix)
        if P is None or P.ndim != 2 or tuple(map(tuple, batch)) != ((), ()) or tuple(left) != (len(state.shape) - 1,):
            return None
        W = P.T if tuple(right) == (0,) else P
        made = layers.Dense(W.shape[1], W.shape[0], bias=bias is not None)
        return self._add("dense", made, (self._number(state),), W, *([] if bias is None else [bias]))

    def _reshaped(self, value: _Value) -> int | None:
        (before,) = value.of[:1]
        if math.prod(before.shape) != math.prod(value.shape) or value.shape[:1] != before.shape[:1]:
            return None
        if value.name == "broadcast_in_dim" and list(value.options["broadcast_dimensions"]) != sorted(
            value.options["broadcast_dimensions"]
        ):
            return None
        number = self._number(before)
        if value.shape == before.shape:
            return number
        made = layers.Flatten() if len(value.shape) == 2 else layers.Reshape(value.shape[1:])
        return self._add("reshape", made, (number,))

    def _activation(self, value: _Value) -> int | None:
        """A function of one value that is computed before, known by its values."""
        for base in _before(value):
            if base.shape != value.shape:
                continue
            name = _function_between(base, value)
            if name == "identity":
                return self._number(base)
            if name:
                return self._add(name, layers.Activation(name), (self._number(base),))
        return None

    def _merge(self, value: _Value) -> int | None:
        """Sums and products of two states, or of a state and a parameter."""
        name, of = value.name, value.of
        if name == "square" or (name == "integer_pow" and value.options["y"] == 2):
            return self._add("square", layers.Times(), (self._number(of[0]),) * 2)
        if name not in ("add", "add_any", "mul"):
            return None
        held = [_positions(one) for one in of]
        if any(one.constant is not None for one in of) or all(one is not None for one in held):
            return None
        if all(one is None for one in held):
            made = layers.Times() if name == "mul" else layers.Add(2)
            return self._add(name, made, tuple(map(self._number, of)))
        state, positions = (of[1], held[0]) if held[0] is not None else (of[0], held[1])
        assert positions is not None
        features, channels, own = _features(positions, value.shape)
        if name != "mul" and state.name == "dot_general" and state.uses == 1 and len(features) == 1 and not channels:
            number = self._matrix(state, own)
            if number is not None:
                return number
        if state.shape != value.shape:
            return None
        made_of = layers.Affine(features, name == "mul", name != "mul", channels)
        return self._add("scale" if name == "mul" else "shift", made_of, (self._number(state),), own)


def _constant(value: Any) -> _Value:
    return _Value(np.shape(value), constant=value)


def _folded(value: _Value) -> _Value:
    """The value as a constant, if it is one."""
    if (value.of and any(one.constant is None for one in value.of)) or value.name == "layer":
        return value
    return _constant(value.operation.bind(*(one.constant for one in value.of), **value.options))


def _positions(value: _Value) -> np.ndarray | None:
    """The positions of the parameters that a value is, moved as they are; None if it is something else."""
    if value.positions is not None or value.name not in MOVING:
        return value.positions
    of = [_positions(one) for one in value.of]
    if any(one is None for one in of):
        return None
    return to_numpy(value.operation.bind(*(np.asarray(one) for one in of), **value.options))


def _features(positions: np.ndarray, shape: tuple[int, ...]) -> tuple[tuple[int, ...], bool, np.ndarray]:
    """The axes over which parameters are different, whether these are channels, and the parameters there."""
    P = np.broadcast_to(positions, shape)[0]
    for k in range(P.ndim + 1):
        own = P[(0,) * (P.ndim - k)]
        if (own == P).all():
            return own.shape, False, own
        channels = P[(slice(None), *(0,) * (P.ndim - 1))]
        if k == 0 and (channels.reshape(-1, *(1 for _ in P.shape[1:])) == P).all() and P.ndim > 1:
            return channels.shape, True, channels
    raise AssertionError("all axes are axes of features")


def _before(value: _Value) -> Iterator[_Value]:
    """What a value is computed from, the latest first, as far as an activation may reach."""
    waiting, seen = [(-one.serial, one) for one in value.of], {value}
    heapq.heapify(waiting)
    for _ in range(MOST_BEFORE):
        if not waiting:
            return
        _, one = heapq.heappop(waiting)
        if one in seen or one.constant is not None or one.positions is not None:
            continue
        seen.add(one)
        yield one
        if one.name not in ENDS:
            for earlier in one.of:
                heapq.heappush(waiting, (-earlier.serial, earlier))


def _function_between(base: _Value, value: _Value) -> str:
    """The name of the activation that makes one value of another, or nothing."""
    import jax.numpy as jnp

    size, found = math.prod(base.shape), []
    for start in range(0, len(POINTS), max(size, 1)):
        values = {base: jnp.asarray(np.resize(POINTS[start : start + size], base.shape))}
        try:
            found.append(to_numpy(_evaluated(value, values)).reshape(-1))
        except _Another:
            return ""
    return name_of_values(np.concatenate(found)[: len(POINTS)])


class _Another(Exception):
    """A value depends on something else."""


def _evaluated(value: _Value, values: dict[_Value, Any]) -> Any:
    if value not in values:
        if value.constant is not None:
            return value.constant
        if value.operation is None or value.name in ENDS:
            raise _Another
        values[value] = value.operation.bind(*(_evaluated(one, values) for one in value.of), **value.options)
    return values[value]


def _is_causal(place: str, mask: _Value) -> bool:
    seen = None if mask.constant is None else np.asarray(mask.constant)
    if seen is None or not np.array_equal(seen, np.broadcast_to(np.tri(seen.shape[-1], dtype=bool), seen.shape)):
        raise refusal(f"layer {place} has a mask that is not the causal one; a Chain has no other")
    return True


def _unknown(value: _Value) -> str:
    if value.operation is None:
        return "the model uses a parameter or a constant by itself; every state must come from the inputs"
    shapes = ", ".join(str(one.shape) for one in value.of)
    constant = " with a constant" if any(one.constant is not None for one in value.of) else ""
    return (
        f"the model calls {value.name}{constant} on arrays of shape {shapes}, which is no layer of a Chain and no end "
        "of an activation that hesslib has"
    )
