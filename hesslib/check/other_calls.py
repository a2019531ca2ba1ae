"""What may have been differentiated in the place of a model with its loss and batch: it is called otherwise."""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hesslib.check.state import Kept
from hesslib.check.subject import FAILURES, Subject, of_function
from hesslib.check.trees import Tree

if TYPE_CHECKING:
    from hesslib.check.modules import ModuleProblem

Other = tuple[str, str, "ModuleProblem"]
"""The kind of the mistake, in words, and what was differentiated then."""


def other_calls(problem: ModuleProblem, what: str, tree: Tree, blocks: Any) -> Iterator[tuple[str, str, Subject]]:
    """The subjects of other calls, as far as they work and are not random."""
    for kind, words, other in (*_modes(problem), *_paddings(problem), *_shapes(problem)):
        try:
            function = other.value if what == "error" else other.outputs
            subject = of_function(function, tree, blocks, modules=other.modules)
        except FAILURES:
            continue
        if not subject.random:
            yield kind, words, subject


def _modes(problem: ModuleProblem) -> Iterator[Other]:
    """The model in its other mode, where that makes another function of it."""
    torch, model = sys.modules["torch"], problem.model
    mode, other = ("training", "evaluation") if model.training else ("evaluation", "training")
    if any(isinstance(part, torch.nn.modules.batchnorm._BatchNorm) for part in model.modules()):
        words = f"it belongs to the model in {other} mode, and the model is checked in {mode} mode"
        yield "other-mode", words, replace(problem, model=copy.deepcopy(model).train(other == "training"))


def _paddings(problem: ModuleProblem) -> Iterator[Other]:
    """The same call, of which PyTorch leaves rows of an Embedding out when it differentiates backward."""
    torch = sys.modules["torch"]
    kinds = torch.nn.Embedding, torch.nn.EmbeddingBag
    if any(isinstance(part, kinds) and part.padding_idx is not None for part in problem.model.modules()):
        words = "the row padding_idx of an Embedding gets no gradient in PyTorch, though the loss depends on it"
        yield "padding", words, problem


def _shapes(problem: ModuleProblem) -> Iterator[Other]:
    """Targets (N,) for (N, 1), or the other way round, which a loss broadcasts against the outputs."""
    torch = sys.modules["torch"]
    t = problem.targets[0] if problem.targets else None
    if not isinstance(t, torch.Tensor) or t.numel() < 2 or problem.loss is None:
        return
    N, own = t.numel(), tuple(t.shape)
    with torch.no_grad(), Kept([problem.model]):
        outputs = problem.outputs({name: p.detach() for name, p in problem.model.named_parameters()})
    shape = tuple(getattr(outputs, "shape", ()))
    if not {shape, own} <= {(N,), (N, 1)}:
        return
    turned = (N, 1) if t.ndim == 1 else (N,)
    here = f"; in the check the targets have shape {own}, and are" if shape == turned else ", and were"
    words = f"outputs of shape {shape} stood against targets of shape {turned}{here} broadcast to {(N, N)}"
    yield "broadcast", words, replace(problem, targets=(t.reshape(turned), *problem.targets[1:]))
