"""A function or a module of JAX with convolutions, normalisations, attention or branches as a `Chain` of layers.

JAX shows what is computed: the model is traced on a batch, with every known module as one operation, so that nobody has
to say what stands between them. What is computed is then taken up from the end. An operation becomes a layer: a known
module, a product with parameters, a convolution, a pool, an embedding, a sum, a product, a concatenation, a mean, a
change of shape. What is none of these is known by its values: it is the activation or the normalisation of an earlier
state, or the attention of three, that has them. Everything else is refused by name. At the end outputs and gradients of
model and chain are compared on random inputs.

Longer than one sitting: each kind of operation is recognised, or refused by name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hesslib import layers
from hesslib._arrays import to_numpy
from hesslib.convert.chains import Part, compare_chain, graph_of, put_together
from hesslib.convert.convention import LossConvention
from hesslib.convert.converted import Converted
from hesslib.convert.double_precision import in_double
from hesslib.convert.equinox_modules import OF_ROWS, is_known, is_refused, layers_of
from hesslib.convert.jax_by_values import activation, attention, normalisation
from hesslib.convert.jax_operations import convolution, embedding, moved, pool, product
from hesslib.convert.jax_values import Value, constant, features_of, folded, positions_of
from hesslib.convert.refusals import ANY_MODEL, refusal
from hesslib.layers import Chain, Layer

NOTHING_RUN = (
    "the arrays alone tell no function, and nothing was run: with inputs= (and apply= where params cannot be called) "
    "model and chain are run beside each other"
)


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


class _Reader:
    """Reads what a traced model computes, from the end."""

    def __init__(self, model: _Model, x: np.ndarray) -> None:
        self.model, self.x = model, x
        self.found: list[Part] = []
        self.state: dict[Value, int] = {}  # the numbers of the states that have been made

    def parts(self) -> list[Part]:
        """Return the layers with the positions of their parameters."""
        last = self._number(self._traced())
        if last != len(self.found) or not self.found:
            raise refusal("the model gives something else than what its last layer computes")
        return self.found

    def _traced(self) -> Value:
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
        given = [Value(at.shape, positions=at) for at in positions]
        self.tokens = Value(self.x.shape)
        given.append(self.tokens)
        self.state[self.tokens] = 0
        every = self._computed(traced.jaxpr, traced.consts, given)
        if len(every) != 1:
            raise refusal(f"the model gives {len(every)} arrays; a Chain gives one")
        return every[0]

    def _computed(self, jaxpr: Any, constants: Sequence[Any], given: Sequence[Value]) -> list[Value]:
        """The values that a program computes, operations within operations taken apart."""
        values: dict[Any, Value] = dict(zip(jaxpr.invars, given, strict=True))
        values.update((v, constant(one)) for v, one in zip(jaxpr.constvars, constants, strict=True))
        for equation in jaxpr.eqns:
            of = [constant(one.val) if hasattr(one, "val") else values[one] for one in equation.invars]
            inner = next((equation.params[key] for key in ("jaxpr", "call_jaxpr") if key in equation.params), None)
            if inner is not None and equation.primitive.name not in ("scan", "while", "cond"):
                made = self._computed(getattr(inner, "jaxpr", inner), getattr(inner, "consts", ()), of)
            else:
                made = [Value(v.aval.shape, equation.primitive, equation.params, of) for v in equation.outvars]
                made = [folded(one) for one in made] if len(made) == 1 else made
            for one in of:
                one.uses += 1
            values.update(zip(equation.outvars, made, strict=True))
        return [constant(one.val) if hasattr(one, "val") else values[one] for one in jaxpr.outvars]

    def _number(self, value: Value) -> int:
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

    def _structure(self, value: Value) -> int | None:
        """Layers that are known by their operation: modules, matrices, changes of shape, concatenations, means."""
        name, of = value.name, value.of
        if name == "layer":
            return self._module(value)
        if name == "dot_general":
            found = product(value, None, self._number, self._add)
            return self._attention(value) if found is None else found
        if name in ("reshape", "squeeze", "expand_dims", "broadcast_in_dim"):
            return self._reshaped(value)
        if name == "transpose":
            order = tuple(int(axis) for axis in value.options["permutation"])
            found = product(of[0], order, self._number, self._add)
            found = self._attention(of[0], order) if found is None else found
            return moved(self._number(of[0]), order, self._add) if found is None else found
        if name == "concatenate":
            if value.options["dimension"] == 0:
                raise refusal("the model puts patterns one after the other; it must join another axis")
            return self._add("concatenate", layers.Join(value.options["dimension"]), tuple(map(self._number, of)))
        if name == "conv_general_dilated":
            return convolution(value, self._number, self._add)
        if name == "gather":
            return embedding(value, self.tokens, self._number, self._add)
        if (found := pool(value, self._number, self._add)) is not None:
            return found
        if name == "div" and of[0].name == "reduce_sum" and of[1].constant is not None:
            axes = tuple(int(axis) for axis in of[0].options["axes"])
            lengths = math.prod(of[0].of[0].shape[axis] for axis in axes)
            if 0 not in axes and np.all(of[1].constant == lengths):
                return self._add("mean", layers.Mean(*(axis - 1 for axis in axes)), (self._number(of[0].of[0]),))
        return None

    def _module(self, value: Value) -> int:
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

    def _crossing(self, place: str, positions: Any, of: Sequence[Value], causal: bool) -> int:
        """Attention of one state to others: three dense layers, the attention itself, and a dense layer."""

        def dense(name: str, number: int) -> int:
            projection = getattr(positions, f"{name}_proj")
            ((layer, parameters),) = layers_of(f"{place}.{name}", projection, (), False)
            return self._add(f"{place}.{name}", layer, (number,), *parameters)

        made = [dense(name, self._number(one)) for name, one in zip(("query", "key", "value"), of, strict=False)]
        crossed = self._add(f"{place}.attention", layers.CrossAttention(positions.num_heads, None, causal), tuple(made))
        return dense("output", crossed)

    def _reshaped(self, value: Value) -> int | None:
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

    def _activation(self, value: Value) -> int | None:
        """A function of one value that is computed before, known by its values."""
        if (found := activation(value)) is not None:
            name, base = found
            number = self._number(base)
            return number if name == "identity" else self._add(name, layers.Activation(name), (number,))
        if (normal := normalisation(value)) is not None:
            name, layer, (base,), parameters = normal
            return self._add(name, layer, (self._number(base),), *parameters)
        return None

    def _attention(self, value: Value, after: tuple[int, ...] | None = None) -> int | None:
        """Softmax attention that is written out, known by its values, and whose axes are put in an order afterwards."""
        if (found := attention(value)) is None:
            return None
        layer, states, order = found
        order = order if after is None else tuple(order[axis] for axis in after)
        numbers = []
        for state in states:
            number = self._number(state)
            if len(state.shape) == 4:
                row = layers.Reshape((state.shape[1], state.shape[2] * state.shape[3]))
                number = self._add("reshape", row, (number,))
            numbers.append(number)
        number = self._add("attention", layer, tuple(numbers))
        if len(order) == 4:
            made = (states[0].shape[1], *states[2].shape[2:])
            number = self._add("reshape", layers.Reshape(made), (number,))
        return moved(number, order, self._add)

    def _merge(self, value: Value) -> int | None:
        """Sums and products of two states, or of a state and a parameter."""
        name, of = value.name, value.of
        if name == "square" or (name == "integer_pow" and value.options["y"] == 2):
            return self._add("square", layers.Times(), (self._number(of[0]),) * 2)
        if name not in ("add", "add_any", "mul"):
            return None
        held = [positions_of(one) for one in of]
        if any(one.constant is not None for one in of) or all(one is not None for one in held):
            return None
        if all(one is None for one in held):
            made = layers.Times() if name == "mul" else layers.Add(2)
            return self._add(name, made, tuple(map(self._number, of)))
        state, positions = (of[1], held[0]) if held[0] is not None else (of[0], held[1])
        assert positions is not None
        features, channels, own = features_of(positions, value.shape)
        if name != "mul" and state.name == "dot_general" and state.uses == 1 and len(features) == 1 and not channels:
            found = product(state, None, self._number, self._add, bias=own)
            if found is not None:
                return found
        if state.shape != value.shape:
            return None
        made_of = layers.Affine(features, name == "mul", name != "mul", channels)
        return self._add("scale" if name == "mul" else "shift", made_of, (self._number(state),), own)


def _is_causal(place: str, mask: Value) -> bool:
    seen = None if mask.constant is None else np.asarray(mask.constant)
    if seen is None or not np.array_equal(seen, np.broadcast_to(np.tri(seen.shape[-1], dtype=bool), seen.shape)):
        raise refusal(f"layer {place} has a mask that is not the causal one; a Chain has no other")
    return True


def _unknown(value: Value) -> str:
    if value.operation is None:
        return "the model uses a parameter or a constant by itself; every state must come from the inputs"
    shapes = ", ".join(str(one.shape) for one in value.of)
    constant = " with a constant" if any(one.constant is not None for one in value.of) else ""
    return (
        f"the model calls {value.name}{constant} on arrays of shape {shapes}, which is no layer of a Chain and no end "
        "of an activation that hesslib has"
    )
