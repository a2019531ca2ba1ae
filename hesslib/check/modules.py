"""A ``torch.nn.Module`` with its loss and a batch as a function of its parameters.

The model is called through ``torch.func.functional_call``, in the mode it is in, with parameters, buffers and the
floating numbers of the batch in the precision that the check asks for. Nothing of it is changed, see `state`.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hesslib.check.other_calls import other_calls
from hesslib.check.subject import Subject, of_function
from hesslib.check.trees import Tree, is_array, tree_of


def is_module(f: Any) -> bool:
    """Whether something is a module of PyTorch, which then has been imported."""
    torch = sys.modules.get("torch")
    return torch is not None and hasattr(torch, "nn") and isinstance(f, torch.nn.Module)


@dataclass(eq=False)
class ModuleProblem:
    """A model, a loss of ``(outputs, *targets)`` (None: the outputs are what is differentiated), and a batch."""

    model: Any
    loss: Any
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]
    targets: tuple[Any, ...]

    @property
    def names(self) -> list[str]:
        """The parameters that are trained, each once."""
        return [name for name, p in self.model.named_parameters() if p.requires_grad]

    @property
    def modules(self) -> list[Any]:
        """What may change when it is called."""
        return [self.model, *([self.loss] if is_module(self.loss) else [])]

    @property
    def words(self) -> str:
        """What is differentiated."""
        kind = type(self.model).__name__
        loss = self.loss if self.loss is None else getattr(self.loss, "__name__", type(self.loss).__name__)
        mode = "in training mode" if self.model.training else "in evaluation mode"
        return f"{kind}{f' with {loss}' if loss else ''}, {mode}"

    def outputs(self, parameters: Mapping[str, Any]) -> Any:
        """What the model gives with these parameters."""
        dtype = next(iter(parameters.values())).dtype
        held = {name: p.detach() for name, p in self.model.named_parameters() if not p.requires_grad}
        return _call(self.model, {**_cast(held, dtype), **parameters}, self.arguments, self.keywords, dtype)

    def value(self, parameters: Mapping[str, Any]) -> Any:
        """The loss with these parameters; without a loss the outputs."""
        outputs = self.outputs(parameters)
        return outputs if self.loss is None else self.loss_of(outputs, next(iter(parameters.values())).dtype)

    def loss_of(self, outputs: Any, dtype: Any = None) -> Any:
        """The loss of outputs."""
        dtype = dtype or outputs.dtype
        if is_module(self.loss):
            own = {name: p.detach() for name, p in self.loss.named_parameters()}
            return _call(self.loss, _cast(own, dtype), (outputs, *self.targets), {}, dtype)
        return self.loss(outputs, *_cast(self.targets, dtype))


def problem_of(model: Any, loss: Any, batch: Any) -> ModuleProblem:
    """The problem of a model, checked.

    Raises ValueError if there is nothing to train, or the batch is no tuple of inputs and targets.
    """
    torch = sys.modules["torch"]
    if loss is not None and not callable(loss):
        raise ValueError(
            f"loss is a {type(loss).__name__}; it must be a function of (outputs, targets), such as torch.nn.MSELoss()"
        )
    if not isinstance(batch, tuple | list) or not batch:
        kind = "missing" if batch is None else f"a {type(batch).__name__}"
        raise ValueError(f"batch is {kind}; it must be a tuple (inputs, targets), or (inputs,) for a loss without them")
    inputs, *targets = batch
    keywords = {str(key): value for key, value in inputs.items()} if isinstance(inputs, Mapping) else {}
    arguments = () if isinstance(inputs, Mapping) else tuple(inputs) if isinstance(inputs, tuple | list) else (inputs,)
    for name, p in model.named_parameters():
        if isinstance(p, torch.nn.parameter.UninitializedParameter):
            raise ValueError(  # noqa: TRY004  (as for every other argument)
                f"the parameter {name} has no values yet; run the model once before it is checked"
            )
        if p.requires_grad and not p.dtype.is_floating_point:
            raise ValueError(f"the parameter {name} has dtype {p.dtype}; it must be real floating (float32, float64)")
    problem = ModuleProblem(model, loss, arguments, keywords, tuple(targets))
    if not problem.names:
        raise ValueError(
            f"{type(model).__name__} has no parameter with requires_grad; there is nothing to differentiate"
        )
    return problem


def parameters_of(problem: ModuleProblem) -> Tree:
    """The parameters as a tree; results may be a dictionary, or a list in the order of ``model.parameters()``."""
    every = dict(problem.model.named_parameters())
    names = problem.names
    tree = tree_of({name: every[name] for name in names})
    assert tree is not None

    def parts(other: Any) -> list[Any]:
        if isinstance(other, Mapping):
            unknown = [str(key) for key in other if key not in every]
            missing = [name for name in names if name not in other]
            if unknown or missing:
                words = f"lacks {', '.join(missing)}" if missing else f"has {', '.join(unknown)}"
                raise ValueError(f"claimed {words}; it must have the names of model.named_parameters()")
            return [other[name] for name in names]
        if isinstance(other, list | tuple) and not is_array(other):
            if len(other) == len(every):
                return [part for part, name in zip(other, every, strict=True) if name in names]
            if len(other) == len(names):
                return list(other)
        described = f"{len(other)} parts" if isinstance(other, list | tuple) else f"a {type(other).__name__}"
        raise ValueError(f"claimed has {described}; the model has {len(names)} parameters: {', '.join(names)}")

    return Tree(tree.names, tree.arrays, tree.rebuilt, parts)


def subject_of_module(problem: ModuleProblem, what: str, blocks: Any) -> Subject:
    """The loss of a model ("error"), or what it gives ("outputs"), as a function of its parameters."""
    tree = parameters_of(problem)
    function = problem.value if what == "error" else problem.outputs
    subject = of_function(function, tree, blocks, modules=problem.modules)
    subject.words = problem.words
    subject.others = lambda: other_calls(problem, what, tree, blocks)
    first = next((t for t in (*problem.arguments, *problem.keywords.values()) if hasattr(t, "shape") and t.ndim), None)
    if first is not None:
        subject.sizes["N"] = float(first.shape[0])
    target = next((t for t in problem.targets if hasattr(t, "shape") and t.ndim > 1), None)
    if target is not None:
        subject.sizes |= {"K": float(target.shape[-1]), "number of targets": float(target.numel())}
    return subject


def own_gradient(problem: ModuleProblem) -> dict[str, Any]:
    """What the parameters have as ``.grad``, zero where the graph did not reach them.

    Raises ValueError if none has any.
    """
    torch = sys.modules["torch"]
    grads = {name: p.grad for name, p in problem.model.named_parameters() if p.requires_grad}
    if all(grad is None for grad in grads.values()):
        raise ValueError(
            "claimed is missing, and no parameter of the model has a .grad; call loss(...).backward() first, or give "
            "claimed="
        )
    every = dict(problem.model.named_parameters())
    return {
        name: torch.zeros_like(every[name]) if grad is None else grad.to_dense() if grad.is_sparse else grad.clone()
        for name, grad in grads.items()
    }


def _call(module: Any, parameters: Mapping[str, Any], arguments: Any, keywords: Any, dtype: Any) -> Any:
    """A module with other parameters and copies of its buffers."""
    torch = sys.modules["torch"]
    buffers = {name: buffer.detach().clone() for name, buffer in module.named_buffers()}
    everything = {**_cast(buffers, dtype), **parameters}
    attention = importlib.import_module("torch.nn.attention")
    with attention.sdpa_kernel(attention.SDPBackend.MATH):  # its faster kernels have no second derivatives
        return torch.func.functional_call(module, everything, _cast(arguments, dtype), _cast(keywords, dtype))


def _cast(value: Any, dtype: Any) -> Any:
    """The floating numbers of a nested structure in another precision; everything else as it is."""
    torch = sys.modules["torch"]
    if isinstance(value, torch.Tensor):
        return value.to(dtype) if value.dtype.is_floating_point else value
    if isinstance(value, dict):
        return {key: _cast(each, dtype) for key, each in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_cast(each, dtype) for each in value)
    return value
