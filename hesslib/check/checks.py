"""The public functions: one for each derivative that can be checked.

Longer than one sitting: one public function for each derivative, mostly docstring.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hesslib._arrays import to_numpy
from hesslib.check.libraries import epsilon
from hesslib.check.modules import is_module, own_gradient, problem_of
from hesslib.check.options import BUDGET, options
from hesslib.check.pipeline import run_check
from hesslib.check.problem import Function, FunctionOrModel, loss_of_shift, scalar, subject_of, subject_of_inputs, words
from hesslib.check.quantity import Quantity
from hesslib.check.report import Report
from hesslib.check.subject import of_function
from hesslib.check.trees import is_array
from hesslib.networks.network import Reduction

__all__ = [
    "gauss_newton",
    "gradient",
    "hessian",
    "hessian_diagonal",
    "hessian_vector_product",
    "jacobian",
    "laplacian",
]

Array = Any


def gradient(
    f: FunctionOrModel,
    x: Any = None,
    claimed: Any = None,
    *,
    loss: Function | None = None,
    batch: Any = None,
    has_aux: bool = False,
    reduction: Reduction = "sum",
    blocks: Any = None,
    referees: Sequence[str] | None = None,
    budget: int = BUDGET,
    seed: int = 0,
    noise: float | None = None,
    progress: bool | None = None,
) -> Report:
    r"""Check a claimed gradient of a scalar function, of a model, or of the error of a network.

    The gradient is $\partial f/\partial x$.

    `f` is a function of one array of NumPy, JAX or PyTorch that gives a number, and `x` an array of that library, or a
    dictionary, list or tuple of arrays, or an object that JAX knows as a tree; or it is ``(net, x, t)`` (or what
    `hesslib.convert` gives), and then `x` is the flat `w`. `claimed` has the form of `x`, or is a function that gives
    it. `reduction` is for ``(net, x, t)``: "mean" divides the error by N.

    Or `f` is a ``torch.nn.Module``, with its `loss` and a `batch`: ``gradient(model, loss=loss, batch=(x, t))`` checks
    the ``.grad`` of its parameters, ``gradient(model, claimed, loss=loss, batch=(x, t))`` a gradient that is given,
    by name or in the order of ``model.parameters()``. The model is taken as it is, in the mode it is in, and is not
    changed: neither its buffers nor its gradients, nor the random numbers of PyTorch.

    Parameters
    ----------
    f, x, claimed : what is differentiated, the point, and the result that is checked.
    reduction : for ``(net, x, t)``: ``"sum"`` over the patterns, or ``"mean"``, which is that divided by N.

    Options
    -------
    loss : a function of what the model gives and of the targets; None if the model gives the number itself.
    batch : ``(inputs, targets)``, or ``(inputs,)``. Inputs are an array, a tuple of several, or a dictionary of
        keywords.
    has_aux : True if `f` gives a pair: the number, and what comes with it.
    blocks : ``[(name, size), ...]``, the parts of `x` in the report; by default the arrays of `x` or the parameters of
        the model, weights and biases of each layer for a network, ranges of a single array.
    referees : some of "closed form", "autodiff", "finite differences", "complex step"; all that apply by default.
    budget : how many evaluations of `f` each referee may take. What that does not pay for is seen through random
        directions or sampled entries, and the report says with what probability an error is missed.
    seed : of those; the same seed gives the same report.
    noise : the relative accuracy of the values of `f`, if they come from an iteration that stops early; where a result
        looks inexact it is estimated.
    progress : True shows cost and progress on stderr, False nothing; by default work of more than two seconds.

    Shapes: `claimed` has the shape of `x`, array by array; `f` gives a number. Returns a `Report`.
    Cost: for each referee at most about `budget` evaluations of `f`, a gradient by automatic differentiation counted as
    3; the report has what each took; memory: some arrays of the size of the claimed result.
    Errors: ValueError if `claimed` has another form than `x` or is not real, `f` is not finite at `x`, no parameter has
    a ``.grad`` and `claimed` is missing, or an option is out of range. What does not raise is in the report.

    >>> import numpy as np
    >>> report = gradient(lambda x: (x**2).sum(), np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0]))
    >>> report.verdict, report.diagnoses[0].says
    ('wrong', 'a constant factor 1/2')

    A layer of PyTorch whose backward pass was called twice:

    >>> import torch
    >>> model, x, t = torch.nn.Linear(3, 2), torch.ones(4, 3), torch.zeros(4, 2)
    >>> for _ in range(2):
    ...     torch.nn.MSELoss()(model(x), t).backward()
    >>> report = gradient(model, loss=torch.nn.MSELoss(), batch=(x, t))
    >>> report.verdict, [block.names for block in report.blocks]
    ('wrong', [('weight',), ('bias',)])
    """
    x, claimed = _moved(f, batch, x, claimed)
    subject = subject_of(f, x, "error", reduction, blocks, loss=loss, batch=batch, has_aux=has_aux)
    if claimed is None and is_module(f):
        claimed = own_gradient(problem_of(f, loss, batch))
    quantity = Quantity("gradient", subject, scalar(subject))
    return _check(quantity, claimed, f, x, None, seed, budget, referees, progress, noise)


def jacobian(
    f: FunctionOrModel,
    x: Any = None,
    claimed: Any = None,
    *,
    batch: Any = None,
    has_aux: bool = False,
    blocks: Any = None,
    referees: Sequence[str] | None = None,
    budget: int = BUDGET,
    seed: int = 0,
    noise: float | None = None,
    progress: bool | None = None,
) -> Report:
    r"""Check a claimed Jacobian: the derivatives of every output by every coordinate.

    It is $\partial f_o/\partial x_i$, outputs first.

    `f` gives an array; for ``(net, x)`` or ``(net, x, t)`` it is $a^{(L)}$ (N, K) as a function of `w`, the last
    pre-activations. For a ``torch.nn.Module`` with a `batch` it is what the model gives, as a function of its
    parameters. Everything else is as for `gradient`.

    Parameters
    ----------
    f, x, claimed : what is differentiated, the point, and the result that is checked.
    batch, has_aux, blocks, referees, budget, seed, noise, progress : as for `gradient`.

    Shapes: `claimed` is (\*out_shape, \*x_shape), array by array. Returns a `Report`.
    Cost: as for `gradient`.
    Errors: as for `gradient`.

    >>> import numpy as np
    >>> A = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> jacobian(lambda x: A @ x, np.array([1.0, 1.0]), A.T).diagnoses[0].kinds
    ('transposed',)
    """
    x, claimed = _moved(f, batch, x, claimed)
    subject = subject_of(f, x, "outputs", "sum", blocks, batch=batch, has_aux=has_aux)
    quantity = Quantity("jacobian", subject, subject.values(subject.point).shape)
    return _check(quantity, claimed, f, x, None, seed, budget, referees, progress, noise)


def hessian(
    f: FunctionOrModel,
    x: Any = None,
    claimed: Any = None,
    *,
    loss: Function | None = None,
    batch: Any = None,
    has_aux: bool = False,
    reduction: Reduction = "sum",
    blocks: Any = None,
    referees: Sequence[str] | None = None,
    budget: int = BUDGET,
    seed: int = 0,
    noise: float | None = None,
    progress: bool | None = None,
) -> Report:
    r"""Check a claimed Hessian, the matrix of second derivatives.

    It is $\partial^2f/\partial x_i\partial x_j$, of the shape of `x` twice.

    Arguments and options are those of `gradient`; the second derivatives of a dictionary are a dictionary of
    dictionaries, as ``torch.func.hessian`` and ``jax.hessian`` give them, or one matrix.

    Parameters
    ----------
    f, x, claimed : what is differentiated, the point, and the result that is checked.
    reduction : for ``(net, x, t)``: ``"sum"`` over the patterns, or ``"mean"``, which is that divided by N.
    loss, batch, has_aux, blocks, referees, budget, seed, noise, progress : as for `gradient`.

    Shapes: `claimed` has the shape of `x` twice. Returns a `Report`.
    Cost: as for `gradient`; a product with the Hessian by automatic differentiation counts as 6 evaluations.
    Errors: as for `gradient`.

    >>> import numpy as np, hesslib
    >>> net, x, t = hesslib.Network((2, 3, 1)), np.array([[1.0, -1.0], [0.5, 2.0]]), np.array([[1.0], [0.0]])
    >>> w = net.init(0)
    >>> report = hessian((net, x, t), w, hesslib.gauss_newton(net, w, x, t), referees=["closed form"])
    >>> report.ok, report.kinds
    (False, ('gauss-newton-for-hessian',))
    """
    x, claimed = _moved(f, batch, x, claimed)
    subject = subject_of(f, x, "error", reduction, blocks, loss=loss, batch=batch, has_aux=has_aux)
    quantity = Quantity("hessian", subject, scalar(subject))
    return _check(quantity, claimed, f, x, None, seed, budget, referees, progress, noise)


def hessian_diagonal(
    f: FunctionOrModel,
    x: Any = None,
    claimed: Any = None,
    *,
    loss: Function | None = None,
    batch: Any = None,
    has_aux: bool = False,
    reduction: Reduction = "sum",
    blocks: Any = None,
    referees: Sequence[str] | None = None,
    budget: int = BUDGET,
    seed: int = 0,
    noise: float | None = None,
    progress: bool | None = None,
) -> Report:
    r"""Check a claimed diagonal of the Hessian.

    It is $\partial^2f/\partial x_i^2$, of the shape of `x`.

    Arguments and options are those of `gradient`.

    Parameters
    ----------
    f, x, claimed : what is differentiated, the point, and the result that is checked.
    reduction : for ``(net, x, t)``: ``"sum"`` over the patterns, or ``"mean"``, which is that divided by N.
    loss, batch, has_aux, blocks, referees, budget, seed, noise, progress : as for `gradient`.

    Shapes: `claimed` has the shape of `x`. Returns a `Report`.
    Cost: as for `hessian`.
    Errors: as for `gradient`.

    >>> import numpy as np
    >>> x = np.array([1.0, 2.0, 3.0])
    >>> hessian_diagonal(lambda x: x[0] * x[1] * x[2] + (x**3).sum(), x, 6 * x + np.array([5.0, 4.0, 3.0])).kinds
    ('row-sums',)
    """
    x, claimed = _moved(f, batch, x, claimed)
    subject = subject_of(f, x, "error", reduction, blocks, loss=loss, batch=batch, has_aux=has_aux)
    quantity = Quantity("hessian_diagonal", subject, scalar(subject))
    return _check(quantity, claimed, f, x, None, seed, budget, referees, progress, noise)


def hessian_vector_product(
    f: FunctionOrModel,
    x: Any = None,
    v: Any = None,
    claimed: Any = None,
    *,
    loss: Function | None = None,
    batch: Any = None,
    has_aux: bool = False,
    reduction: Reduction = "sum",
    blocks: Any = None,
    referees: Sequence[str] | None = None,
    budget: int = BUDGET,
    seed: int = 0,
    noise: float | None = None,
    progress: bool | None = None,
) -> Report:
    r"""Check a claimed product of the Hessian with a vector.

    It is $Hv$; `claimed` is an array or a function of `x` and `v`.

    Arguments and options are those of `gradient`.

    Parameters
    ----------
    f, x, claimed : what is differentiated, the point, and the result that is checked.
    v : the vector.
    reduction : for ``(net, x, t)``: ``"sum"`` over the patterns, or ``"mean"``, which is that divided by N.
    loss, batch, has_aux, blocks, referees, budget, seed, noise, progress : as for `gradient`.

    Shapes: `v` and `claimed` have the shape of `x`. Returns a `Report`.
    Cost: as for `hessian`.
    Errors: as for `gradient`, and ValueError if `v` has another shape than `x` or is not finite.

    >>> import numpy as np
    >>> x, v = np.array([1.0, 2.0, 3.0]), np.array([1.0, 0.0, 2.0])
    >>> hessian_vector_product(lambda x: (x**3).sum(), x, v, lambda x, v: 6 * x * v).verdict
    'right'
    """
    if claimed is None:
        x, v, claimed = (None, x, v) if is_module(f) and batch is not None else (x, v, None)
    subject = subject_of(f, x, "error", reduction, blocks, loss=loss, batch=batch, has_aux=has_aux)
    if v is None:
        raise ValueError("v is missing; it must be the vector that the Hessian is multiplied with")
    flat = v if subject.tree is None else subject.tree.flatten("v", v, (True,), ())
    direction = to_numpy(flat).astype(np.float64).reshape(-1)
    if direction.shape != subject.point.shape or not np.isfinite(direction).all():
        shape = np.shape(to_numpy(flat))
        raise ValueError(f"v has shape {shape}; it must have the shape of x and finite entries")
    subject.sizes["|v|"] = float(np.linalg.norm(direction))
    quantity = Quantity("hessian_vector_product", subject, scalar(subject), v=direction)
    return _check(quantity, claimed, f, x, v, seed, budget, referees, progress, noise)


def gauss_newton(
    f: FunctionOrModel,
    x: Any = None,
    claimed: Any = None,
    *,
    loss: Function | None = None,
    batch: Any = None,
    has_aux: bool = False,
    reduction: Reduction = "sum",
    blocks: Any = None,
    referees: Sequence[str] | None = None,
    budget: int = BUDGET,
    seed: int = 0,
    noise: float | None = None,
    progress: bool | None = None,
) -> Report:
    r"""Check a claimed Gauss-Newton matrix.

    It is $J^TMJ$: `f` is ``(net, x, t)``, or a pair ``(model, loss)`` of functions.

    ``model(x)`` gives outputs of any shape, $J$ is its Jacobian; ``loss(outputs)`` gives a number, $M$ is its Hessian.
    For a network the outputs are $a^{(L)}$, so that $M$ is $I$ for squared error. A ``torch.nn.Module`` comes with its
    `loss` and `batch`. Everything else is as for `gradient`.

    Parameters
    ----------
    f, x, claimed : what is differentiated, the point, and the result that is checked.
    reduction : for ``(net, x, t)``: ``"sum"`` over the patterns, or ``"mean"``, which is that divided by N.
    loss, batch, has_aux, blocks, referees, budget, seed, noise, progress : as for `gradient`.

    Shapes: `claimed` has the shape of `x` twice. Returns a `Report`.
    Cost: as for `hessian`.
    Errors: as for `gradient`.

    >>> import numpy as np
    >>> A = np.array([[1.0, 2.0, 0.0], [3.0, 4.0, 1.0]])
    >>> gauss_newton((lambda w: A @ w, lambda y: (y**2).sum()), np.ones(3), A.T @ A).diagnoses[0].says
    'a constant factor 1/2'
    """
    x, claimed = _moved(f, batch, x, claimed)
    if isinstance(f, tuple) and len(f) == 2 and all(map(callable, f)):
        model, of_outputs = f
        subject = of_function(model, x, blocks, has_aux=has_aux)
    elif is_module(f) and batch is not None:
        if loss is None:
            raise ValueError("loss is missing; it must be a function of (outputs, targets)")
        subject = subject_of(f, x, "outputs", reduction, blocks, loss=loss, batch=batch, has_aux=has_aux)
        of_outputs = problem_of(f, loss, batch).loss_of
    else:
        subject = subject_of(f, x, "outputs", reduction, blocks, loss=loss, batch=batch, has_aux=has_aux)
        of_outputs = loss_of_shift(subject)
    outputs = subject.values(subject.point).shape
    quantity = Quantity("gauss_newton", subject, outputs, loss=of_outputs)
    return _check(quantity, claimed, f, x, None, seed, budget, referees, progress, noise)


def laplacian(
    f: FunctionOrModel,
    x: Array,
    claimed: Array | Function,
    *,
    blocks: Any = None,
    referees: Sequence[str] | None = None,
    budget: int = BUDGET,
    seed: int = 0,
    noise: float | None = None,
    progress: bool | None = None,
) -> Report:
    r"""Check a claimed Laplacian with respect to inputs: the sum of the unmixed second derivatives.

    It is $\sum_d\partial^2f/\partial x_d^2$.

    `f` is a function of one point `x`, or of many, none of which acts on the value at another. Or `f` is ``(net, w)``
    and gives the outputs $y$. Everything else is as for `gradient`.

    Parameters
    ----------
    f, x, claimed : what is differentiated, the point, and the result that is checked.
    blocks, referees, budget, seed, noise, progress : as for `gradient`.

    Shapes: `x` is (D,) or (N, D); `claimed` has the shape of what `f` gives, for a network (N, K). Returns a `Report`.
    Cost: as for `hessian`.
    Errors: as for `gradient`, and ValueError if `x` has more than two axes.

    >>> import numpy as np
    >>> x = np.array([[1.0, 2.0], [3.0, -1.0]])
    >>> laplacian(lambda x: x[:, 0] ** 2 * x[:, 1], x, 2 * x[:, 1]).ok
    True
    """
    subject = subject_of_inputs(f, x, blocks)
    quantity = Quantity("laplacian", subject, subject.values(subject.point).shape)
    return _check(quantity, claimed, f, x, None, seed, budget, referees, progress, noise)


def _check(
    quantity: Quantity,
    claimed: Any,
    f: Any,
    x: Any,
    v: Any,
    seed: int,
    budget: int,
    referees: Sequence[str] | None,
    progress: bool | None,
    noise: float | None,
) -> Report:
    chosen = options(words(f, quantity.subject), seed, budget, referees, progress, noise)
    tree = quantity.subject.tree
    if claimed is None:
        raise ValueError("claimed is missing; it must be the result that is checked, or a function that gives it")
    if callable(claimed) and not (tree is not None and tree.has_form_of(claimed)):
        claimed = claimed(x) if v is None else claimed(x, v)
    if tree is not None:
        parts = tree.parts(claimed) if tree.has_form_of(claimed) else [claimed]
        quantity.subject.eps = max(quantity.subject.eps, *map(epsilon, parts))
        claimed = tree.flatten("claimed", claimed, quantity.axes, quantity.outputs)
    elif not is_array(claimed):
        raise ValueError(f"claimed is a {type(claimed).__name__}; it must be an array, as x is")
    return run_check(quantity, claimed, chosen)


def _moved(f: Any, batch: Any, x: Any, claimed: Any) -> tuple[Any, Any]:
    """A model with a batch is its own point: what comes after it is the claimed result."""
    return (None, x) if is_module(f) and batch is not None and claimed is None else (x, claimed)
