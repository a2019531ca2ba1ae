"""Checks of real models: modules of PyTorch as they are, trees of parameters, pairs of value and aux, keywords."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest

from hesslib import Network, check
from hesslib.check.state import find_modules
from hesslib.check.trees import tree_of

torch = pytest.importorskip("torch")
nn = torch.nn
QUIET: dict[str, Any] = {"progress": False, "budget": 300}

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of PyTorch's own parts


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attend = nn.MultiheadAttention(4, 2, batch_first=True)
        self.head = nn.Linear(4, 2)

    def forward(self, z: Any) -> Any:
        return self.head((z + self.attend(z, z, z)[0]).mean(1))


class TwoInputs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Linear(3, 2, bias=False), nn.Linear(2, 2)
        self.register_buffer("scale", torch.tensor([1.0, 2.0]))

    def forward(self, a: Any, b: Any) -> Any:
        return torch.tanh(self.left(a)) * self.scale + self.right(b)


class OwnLoss(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(3, 2)

    def forward(self, x: Any, t: Any) -> Any:
        return ((self.fc(x) - t) ** 2).mean()


def batch(*shape: int, targets: int = 2) -> tuple[Any, Any]:
    return torch.randn(*shape), torch.randn(shape[0], targets)


def labels(*shape: int) -> tuple[Any, Any]:
    return torch.randn(*shape), torch.randint(0, 2, (shape[0],))


Made = tuple[Any, Any, Any]
MODELS: dict[str, Callable[[], Made]] = {
    "linear": lambda: (nn.Linear(3, 2), nn.MSELoss(), batch(4, 3)),
    "convolution": lambda: (
        nn.Sequential(nn.Conv2d(1, 1, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4, 2)),
        nn.CrossEntropyLoss(label_smoothing=0.1),
        labels(3, 1, 6, 6),
    ),
    "layer normalisation": lambda: (
        nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.GELU(approximate="tanh"), nn.Linear(4, 2)),
        nn.HuberLoss(),
        batch(4, 3),
    ),
    "batch normalisation in training": lambda: (
        nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 2)),
        nn.MSELoss(),
        batch(5, 3),
    ),
    "attention": lambda: (Attention(), nn.CrossEntropyLoss(weight=torch.tensor([1.0, 3.0])), labels(3, 3, 4)),
    "recurrence": lambda: (Recurrent(), nn.functional.mse_loss, batch(3, 4, 2)),
    "two inputs": lambda: (TwoInputs(), nn.MSELoss(), ((torch.randn(4, 3), torch.randn(4, 2)), torch.randn(4, 2))),
    "inputs by keyword": lambda: (
        TwoInputs(),
        nn.MSELoss(),
        ({"b": torch.randn(4, 2), "a": torch.randn(4, 3)}, torch.randn(4, 2)),
    ),
    "its own loss": lambda: (OwnLoss(), None, (batch(4, 3),)),
    "no targets": lambda: (nn.Linear(3, 2), lambda y: (y**2).sum(), (torch.randn(4, 3),)),
    "dropout in evaluation": lambda: (
        nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Linear(4, 2)).eval(),
        nn.MSELoss(),
        batch(4, 3),
    ),
    "tied weights": lambda: (tied(), nn.MSELoss(), batch(4, 2)),
    "frozen weights": lambda: (frozen(), nn.MSELoss(), batch(4, 3)),
    "weight norm of the old kind": lambda: (
        nn.utils.weight_norm(nn.Linear(3, 2)),
        nn.MSELoss(),
        batch(4, 3),
    ),
}


PLANTED = ("convolution", "attention", "tied weights", "frozen weights", "weight norm of the old kind")


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.GRU(2, 2, batch_first=True)

    def forward(self, x: Any) -> Any:
        return self.cell(x)[0][:, -1]


def tied() -> Any:
    model = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 2))
    model[2].weight = model[0].weight
    return model


def frozen() -> Any:
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    model[0].weight.requires_grad_(False)
    return model


def made(name: str) -> Made:
    torch.manual_seed(3)
    model, loss, data = MODELS[name]()
    value = (
        model(**data[0])
        if isinstance(data[0], dict)
        else model(*data[0])
        if isinstance(data[0], tuple)
        else model(data[0])
    )
    (value if loss is None else loss(value, *data[1:])).backward()
    return model, loss, data


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("name", MODELS)
def test_the_gradient_of_a_model_is_right_and_a_planted_mistake_is_in_its_block(name: str) -> None:
    model, loss, data = made(name)
    report = check.gradient(model, loss=loss, batch=data, **QUIET)
    assert report.ok, report
    names = [name for name, p in model.named_parameters() if p.requires_grad]
    assert [block.names for block in report.blocks] == [(name,) for name in names]
    if name not in PLANTED:
        return
    wrong = {name: p.grad.clone() for name, p in model.named_parameters() if p.requires_grad}
    largest = max(wrong, key=lambda name: float(wrong[name].abs().max()))
    wrong[largest] *= 1.25
    report = check.gradient(model, wrong, loss=loss, batch=data, **QUIET)
    assert report.verdict == "wrong", report
    assert [block.names for block in report.blocks if block.excess > 1] == [(largest,)]
    assert largest in str(report)


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("name", MODELS)
def test_nothing_of_a_model_is_changed_by_being_checked(name: str) -> None:
    model, loss, data = made(name)
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    before = {name: (tensor, tensor.detach().clone()) for name, tensor in tensors.items()}
    grads = {name: (p.grad, None if p.grad is None else p.grad.clone()) for name, p in model.named_parameters()}
    attributes = [set(vars(module)) for module in model.modules()]
    modes, random = [module.training for module in model.modules()], torch.get_rng_state()
    check.gradient(model, loss=loss, batch=data, **QUIET)
    for name, tensor in {**dict(model.named_parameters()), **dict(model.named_buffers())}.items():
        assert tensor is before[name][0]
        assert torch.equal(tensor, before[name][1])
    for name, p in model.named_parameters():
        assert p.grad is grads[name][0]
        assert p.grad is None or torch.equal(p.grad, grads[name][1])
    assert [set(vars(module)) for module in model.modules()] == attributes
    assert [module.training for module in model.modules()] == modes
    assert torch.equal(torch.get_rng_state(), random)


def test_dropout_in_training_mode_is_named_and_draws_no_random_numbers_of_the_user() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Linear(4, 2))
    x, t = batch(4, 3)
    nn.MSELoss()(model(x), t).backward()
    random = torch.get_rng_state()
    report = check.gradient(model, loss=nn.MSELoss(), batch=(x, t), **QUIET)
    assert report.verdict == "cannot tell"
    assert report.kinds == ("random-function",)
    assert "Dropout(p=0.5) in training mode, which model.eval() ends" in report.diagnoses[0].says
    assert torch.equal(torch.get_rng_state(), random)
    assert model.training
    assert "in training mode" in report.problem


@pytest.mark.usefixtures("as_installed")
def test_a_function_that_uses_a_model_does_not_change_it() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 2))
    x, t = batch(5, 3)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    parameters = {name: p.detach() for name, p in model.named_parameters()}

    def f(parameters: Any) -> Any:
        return nn.functional.mse_loss(torch.func.functional_call(model, parameters, (x,)), t)

    for each in (f, functools.partial(f), lambda p: f(p)):  # noqa: PLW0108  (what it closes over is looked into)
        report = check.gradient(each, parameters, grad_of(f, parameters), **QUIET)
        assert report.ok, report
        assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def grad_of(f: Any, parameters: dict[str, Any]) -> dict[str, Any]:
    """By the tape, on a state that is put back."""
    leaves = {name: p.clone().requires_grad_() for name, p in parameters.items()}
    (module,) = find_modules(f)
    state = {name: value.clone() for name, value in module.state_dict().items()}
    grads = torch.autograd.grad(f(leaves), list(leaves.values()))
    module.load_state_dict(state)
    return dict(zip(leaves, grads, strict=True))


class Counting(nn.Module):
    """Changes itself in every way that a module can."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor([1.0, 2.0]))
        self.register_buffer("average", torch.zeros(2))
        self.calls = 0

    def forward(self, x: Any) -> Any:
        self.calls += 1
        self.average = 0.5 * self.average + x.mean(0)  # another tensor
        self.seen = x
        return (self.w * x).sum() * (1 + self.calls) + self.average.sum()


def test_a_model_that_counts_its_calls_is_the_same_function_at_each() -> None:
    model, x = Counting(), torch.tensor([[1.0, 3.0]])
    claimed = {"w": 2 * x[0]}
    average = model.average
    assert check.gradient(model, claimed, loss=lambda y: y, batch=(x,), **QUIET)
    assert check.gradient(lambda w: torch.func.functional_call(model, {"w": w}, (x,)), model.w, 2 * x[0], **QUIET)
    assert model.calls == 0
    assert model.average is average
    assert not hasattr(model, "seen")
    assert torch.equal(average, torch.zeros(2))


class Cube(torch.autograd.Function):
    """With a backward that forgets the factor 3."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return g * ctx.saved_tensors[0] ** 2


class Cubed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(3, 2)

    def forward(self, x: Any) -> Any:
        return Cube.apply(self.fc(x))


def test_a_wrong_backward_of_ones_own_is_wrong_and_no_referee() -> None:
    torch.manual_seed(0)
    model, (x, t) = Cubed(), batch(4, 3)
    nn.MSELoss()(model(x), t).backward()
    report = check.gradient(model, loss=nn.MSELoss(), batch=(x, t), **QUIET)
    assert report.verdict == "wrong", report
    assert "a constant factor 1/3" in report.diagnoses[0].says
    assert len(report.declined) == 2
    assert "f has a backward of its own (Cube), which is checked, and no referee" in report.declined[0]


def by_tape(f: Any, parameters: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Second derivatives by the plain tape: torch.func's are not symmetric through a normalisation (PyTorch 2.13)."""
    leaves = {name: p.clone().requires_grad_() for name, p in parameters.items()}
    grads = torch.autograd.grad(f(leaves), list(leaves.values()), create_graph=True)
    H = {}
    for name, grad in zip(leaves, grads, strict=True):
        rows = [
            torch.autograd.grad(g, list(leaves.values()), retain_graph=True, materialize_grads=True)
            for g in grad.reshape(-1)
        ]
        H[name] = {
            other: torch.stack([row[i] for row in rows]).reshape(*grad.shape, *leaves[other].shape)
            for i, other in enumerate(leaves)
        }
    return H


@pytest.mark.parametrize("name", ["linear", "batch normalisation in training"])
def test_second_derivatives_of_a_model(name: str) -> None:
    model, loss, data = made(name)
    if name != "linear":  # torch.func refuses what is written in place: no running averages
        norm = nn.BatchNorm1d(2, track_running_stats=False)
        model = nn.Sequential(nn.Linear(3, 2), norm, nn.Tanh(), nn.Linear(2, 2))
    model, data = model.double(), tuple(part.double() for part in data)
    parameters = {name: p.detach() for name, p in model.named_parameters()}

    def f(p: Any) -> Any:
        return loss(torch.func.functional_call(model, p, (data[0],)), data[1])

    H = by_tape(f, parameters)
    names = list(parameters)
    whole = torch.cat(
        [torch.cat([H[a][b].reshape(parameters[a].numel(), -1) for b in names], dim=1) for a in names], dim=0
    )
    on = {"loss": loss, "batch": data, "progress": False, "budget": 1000}
    for claimed in (H, whole):
        report = check.hessian(model, claimed, **on)
        assert report.ok, report
        assert (names[0], names[1]) in [block.names for block in report.blocks]
    assert not check.hessian(model, 2 * whole, **on)
    assert check.hessian_diagonal(model, torch.diagonal(whole), **on)
    v = {name: torch.ones_like(p) for name, p in parameters.items()}
    Hv = whole.sum(dim=1)
    assert check.hessian_vector_product(model, v, Hv, **on)
    assert check.hessian_vector_product(model, v=torch.ones(len(whole)), claimed=Hv, **on)
    J = torch.func.jacrev(lambda p: torch.func.functional_call(model, p, (data[0],)))(parameters)
    assert check.jacobian(model, J, batch=data, progress=False)
    flat = torch.cat([J[name].flatten(0, 1).flatten(1) for name in names], dim=1)
    assert check.gauss_newton(model, flat.T @ flat * 2 / len(flat), **on)


def test_a_function_of_a_model_and_an_input_is_still_a_function() -> None:
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Linear(3, 2), nn.Tanh(), nn.Linear(2, 1)), torch.randn(3)
    g = torch.func.grad(lambda x: model(x).sum())(x)
    assert check.gradient(model, x, g, **QUIET)


# --- Trees of parameters


class Pair(NamedTuple):
    W: Any
    b: Any


@dataclass
class Layer:
    """An object that JAX knows, as those of Equinox and Flax."""

    weight: Any
    bias: Any
    activation: Any = None
    steps: Any = 3


def registered() -> type[Layer]:
    import jax

    with contextlib.suppress(ValueError):  # done by an earlier test
        jax.tree_util.register_dataclass(Layer, ["weight", "bias", "activation", "steps"], [])
    return Layer


W, B = np.array([[1.0, -2.0, 0.5], [0.3, 0.7, -1.1]]), np.array([0.2, -0.4])


def energy(W: Any, b: Any) -> Any:
    """The same in every library, and its derivatives below."""
    return (W**3).sum() + (W.sum(1) * b**2).sum()


GW, GB = 3 * W**2 + (B**2)[:, None], 2 * W.sum(axis=1) * B


def in_library(library: str) -> Callable[[np.ndarray], Any]:
    if library == "jax":
        import jax

        jax.config.update("jax_enable_x64", True)
        return jax.numpy.asarray
    return torch.from_numpy if library == "torch" else np.asarray


TREES: dict[str, tuple[Callable[[Any, Any], Any], Callable[[Any], Any], tuple[str, ...]]] = {
    "a dictionary": (lambda W, b: {"W": W, "b": b}, lambda p: energy(p["W"], p["b"]), ("W", "b")),
    "one in another order": (lambda W, b: {"w": W, "a": b}, lambda p: energy(p["w"], p["a"]), ("w", "a")),
    "nested": (
        lambda W, b: {"params": {"Dense_0": {"kernel": W, "bias": b}}},
        lambda p: energy(p["params"]["Dense_0"]["kernel"], p["params"]["Dense_0"]["bias"]),
        ("params.Dense_0.kernel", "params.Dense_0.bias"),
    ),
    "a tuple": (lambda W, b: (W, b), lambda p: energy(*p), ("0", "1")),
    "a list of pairs": (lambda W, b: [(W, b)], lambda p: energy(*p[0]), ("0.0", "0.1")),
    "a named tuple": (Pair, lambda p: energy(p.W, p.b), ("W", "b")),
    "with nothing in it": (lambda W, b: [W, None, b], lambda p: energy(p[0], p[2]), ("0", "2")),
}


@pytest.mark.parametrize("library", ["numpy", "jax", "torch"])
@pytest.mark.parametrize("name", TREES)
def test_a_tree_of_arrays_is_a_point_and_its_arrays_are_blocks(name: str, library: str) -> None:
    build, f, names = TREES[name]
    own = in_library(library)
    x, claimed = build(own(W), own(B)), build(own(GW), own(GB))
    report = check.gradient(f, x, claimed, **QUIET)
    assert report.ok, report
    assert sorted(block.names for block in report.blocks) == sorted((name,) for name in names)
    assert check.gradient(f, x, lambda x: claimed, **QUIET)
    report = check.gradient(f, x, build(own(GW), own(2 * GB)), **QUIET)
    assert report.verdict == "wrong"
    assert [block.names[0] for block in report.blocks if block.excess > 1] == [names[1]]


@pytest.mark.parametrize("library", ["jax", "torch"])
def test_a_vector_in_the_order_of_the_library_is_taken(library: str) -> None:
    x = {"w": in_library(library)(W), "a": in_library(library)(B)}
    parts = [GB, GW] if library == "jax" else [GW, GB]  # ravel_pytree sorts, parameters_to_vector does not
    flat = np.concatenate([part.reshape(-1) for part in parts])
    assert check.gradient(lambda p: energy(p["w"], p["a"]), x, flat, **QUIET)
    assert check.gradient(lambda p: energy(p["w"], p["a"]), x, flat[::-1].copy(), **QUIET).verdict == "wrong"


def test_an_object_of_jax_with_functions_and_counters_in_it_is_a_point() -> None:
    own, kind = in_library("jax"), registered()
    x = kind(own(W), own(B), np.tanh)
    for claimed in (kind(own(GW), own(GB), None, None), kind(own(GW), own(GB), np.tanh)):
        report = check.gradient(lambda p: energy(p.weight, p.bias) * p.steps / 3, x, claimed, **QUIET)
        assert report.ok, report
    assert [block.names for block in report.blocks] == [("weight",), ("bias",)]
    with pytest.raises(ValueError, match="claimed has nothing at bias"):
        check.gradient(lambda p: energy(p.weight, p.bias), x, kind(own(GW), None), **QUIET)


@pytest.mark.usefixtures("as_installed")
def test_hessians_and_jacobians_of_trees_are_trees() -> None:
    import jax

    own = in_library("jax")
    x = {"w": own(W), "a": own(B)}

    def f(p: Any) -> Any:
        return energy(p["w"], p["a"])

    def J(p: Any) -> Any:
        return p["w"] @ p["w"].T * p["a"]

    H = jax.hessian(f)(x)
    assert check.hessian(f, x, H, progress=False)
    assert check.hessian_vector_product(f, x, x, jax.jvp(jax.grad(f), (x,), (x,))[1], progress=False)
    assert check.jacobian(J, x, jax.jacrev(J)(x), progress=False)
    H["a"]["w"] = 2 * H["a"]["w"]
    report = check.hessian(f, x, H, progress=False)
    assert [block.names for block in report.blocks if block.excess > 1] == [("a", "w")]


# --- Value and aux, keywords, and what is refused


@pytest.mark.parametrize("library", ["numpy", "jax", "torch"])
def test_of_a_pair_the_first_is_differentiated(library: str) -> None:
    own = in_library(library)

    def f(x: Any) -> Any:
        return (x**3).sum(), {"accuracy": 1}

    report = check.gradient(f, own(B), own(3 * B**2), has_aux=True, **QUIET)
    assert report.ok, report
    assert check.gradient(f=f, x=own(B), claimed=own(B), has_aux=True, **QUIET).verdict == "wrong"
    assert check.hessian(f, own(B), own(np.diag(6 * B)), has_aux=True, **QUIET)


def linear() -> Any:
    return nn.Linear(3, 2)


X, T = torch.ones(4, 3), torch.zeros(4, 2)
MSE: dict[str, Any] = {"loss": nn.MSELoss(), "batch": (X, T)}
TWO = {"a": np.ones(2), "b": np.ones(3)}


def of_two(p: Any) -> Any:
    return (p["a"] ** 2).sum() + (p["b"] ** 2).sum()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: check.gradient(linear(), **MSE), r"no parameter of the model has a .grad; call loss\(...\).backward"),
        (lambda: check.hessian(linear(), **MSE), "claimed is missing; it must be the result that is checked"),
        (
            lambda: check.gradient(linear(), loss=nn.MSELoss()),
            r"batch is missing; it must be a tuple \(inputs, targets",
        ),
        (lambda: check.gradient(linear(), loss=nn.MSELoss(), batch=X), "batch is a Tensor; it must be a tuple"),
        (lambda: check.gradient(linear(), loss="mse", batch=(X, T)), "loss is a str; it must be a function of"),
        (lambda: check.gradient(linear(), torch.ones(8), torch.ones(8), **MSE), "x is given beside a model"),
        (lambda: check.gradient(linear(), torch.ones(8), batch=(X,)), r"f gives shape \(4, 2\); it must give a number"),
        (lambda: check.gradient(linear(), torch.ones(7), **MSE), r"claimed has shape \(7,\); the gradient has shape"),
        (lambda: check.gradient(linear(), {"weight": 1}, **MSE), "claimed lacks bias; it must have the names of model"),
        (
            lambda: check.gradient(linear(), {"weight": 1, "bias": 1, "scale": 1}, **MSE),
            "claimed has scale; it must have the names of model.named_parameters",
        ),
        (
            lambda: check.gradient(linear(), [torch.ones(2, 3)], **MSE),
            "claimed has 1 parts; the model has 2 parameters",
        ),
        (
            lambda: check.gradient(linear(), [torch.ones(3, 2), torch.ones(2)], **MSE),
            r"claimed has shape \(3, 2\) at weight; it must be \(2, 3\)",
        ),
        (lambda: check.gradient(linear(), [None, torch.ones(2)], **MSE), "claimed has nothing at weight"),
        (lambda: check.gradient(linear().requires_grad_(False), **MSE), "no parameter with requires_grad"),
        (lambda: check.gradient(nn.LazyLinear(2), **MSE), "the parameter weight has no values yet; run the model once"),
        (
            lambda: check.gradient(linear(), reduction="mean", **MSE),
            "reduction is 'mean'; a model has the reduction of",
        ),
        (lambda: check.gradient(linear(), has_aux=True, **MSE), "has_aux is True; a model has the reduction of"),
        (lambda: check.gauss_newton(linear(), torch.eye(8), batch=(X, T)), "loss is missing"),
        (lambda: check.hessian_vector_product(linear(), claimed=torch.ones(8), **MSE), "v is missing"),
        (lambda: check.gradient(of_two, TWO, TWO, batch=(X, T)), "batch is given, and f is a function; it is for"),
        (lambda: check.gradient(of_two, TWO, TWO, loss=nn.MSELoss()), "loss is given, and f is a function"),
        (lambda: check.gradient(of_two), "x is missing; it must be the point"),
        (lambda: check.gradient(of_two, TWO), "claimed is missing"),
        (
            lambda: check.gradient(of_two, TWO, {"a": np.ones(2)}),
            "claimed has a dictionary of a in the place of a dict",
        ),
        (lambda: check.gradient(of_two, TWO, [np.ones(2)] * 2), "claimed has a list of 2 in the place of a dictionary"),
        (
            lambda: check.gradient(of_two, {"b": np.ones(3), "a": np.ones(2)}, np.ones(5)),
            "another order than JAX sorts",
        ),
        (lambda: check.gradient(of_two, {"a": np.ones(2), "b": np.arange(3)}, TWO), r"x\['b'\] has dtype int64"),
        (
            lambda: check.gradient(of_two, {"a": np.ones(2), "b": "three"}, TWO),
            r"x\['b'\] is a str; it must be an array",
        ),
        (lambda: check.gradient(of_two, {}, TWO), "x is a dict without arrays"),
        (lambda: check.gradient(lambda x: x.sum(), np.ones(2), {"a": np.ones(2)}), "claimed is a dict; it must be an"),
        (lambda: check.laplacian(of_two, TWO, np.ones(1)), "x is a dict; it must be an array of points"),
        (
            lambda: check.gradient(lambda x: (x.sum(), {"acc": 1}), B, B),
            "f gives a tuple of float64, dict; .* has_aux=",
        ),
        (lambda: check.gradient(lambda x: (x.sum(), 1.0), B, B), r"f gives shape \(2,\); .* say has_aux=True"),
        (lambda: check.gradient(lambda x: {"loss": x.sum()}, B, B), "f gives a dict of float64; it must give a number"),
        (lambda: check.gradient(lambda x: x.sum(), B, B, has_aux=True), "has_aux is True, and f gives a float64"),
        (
            lambda: check.gradient(lambda x: (x.sum(), 1, 2), B, B, has_aux=True),
            "has_aux is True, and f gives a tuple of 3",
        ),
        (lambda: check.gradient((Network((2, 1)), W, B), B, B, has_aux=True), "has_aux is True; it is for functions"),
        (lambda: check.gradient(lambda x: x.sum(), B, B, reduction="maen"), "reduction is 'maen'; it must be 'sum' or"),
        (
            lambda: check.gradient(lambda x: x.sum(), B, B, reduction="mean"),
            r"reduction is 'mean'; it is for \(net, x, t",
        ),
        (lambda: Network(2, 3, 1), r"widths is given as 2, 3, 1; it must be one sequence: Network\(\(2, 3, 1\)\)"),
    ],
)
@pytest.mark.usefixtures("as_installed")
def test_what_does_not_fit_is_refused_by_name(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_arrays_of_two_libraries_are_no_point() -> None:
    tree = tree_of({"a": torch.ones(2), "b": in_library("jax")(B)})
    assert tree is not None
    with pytest.raises(ValueError, match="x has arrays of jax and torch; they must come from one library"):
        _ = tree.library


def test_lists_of_numbers_are_arrays_as_before() -> None:
    assert tree_of([1.0, 2.0]) is None
    assert tree_of([[1, 2.0], [3.0, np.float64(4)]]) is None
    assert check.gradient(lambda x: (x**2).sum(), [1.0, 2.0], [2.0, 4.0], **QUIET)


def left_by(model: Any, x: Any, t: Any) -> Any:
    """The model with the gradient of a backward pass."""
    model.zero_grad()
    nn.MSELoss()(model(x), t).backward()
    return model


@pytest.mark.parametrize("of_check", [(6, 1), (6,)])
@pytest.mark.filterwarnings("ignore:Using a target size")
def test_targets_that_were_broadcast_are_named_on_whichever_side_they_were(of_check: tuple[int, ...]) -> None:
    torch.manual_seed(3)
    model, (x, t) = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)), batch(6, 3, targets=1)
    of_user = (6,) if of_check == (6, 1) else (6, 1)
    right = check.gradient(
        left_by(model, x, t.reshape(of_check)), loss=nn.MSELoss(), batch=(x, t.reshape(of_check)), **QUIET
    )
    assert right.verdict == "right"
    wrong = check.gradient(
        left_by(model, x, t.reshape(of_user)), loss=nn.MSELoss(), batch=(x, t.reshape(of_check)), **QUIET
    )
    assert wrong.verdict == "wrong"
    assert [d.kinds for d in wrong.diagnoses] == [("broadcast",)]
    assert "broadcast to (6, 6)" in wrong.diagnoses[0].says
    assert ("in the check" in wrong.diagnoses[0].says) is (of_check == (6,))


@pytest.mark.parametrize("training", [True, False])
def test_the_gradient_of_a_model_in_its_other_mode_is_named(training: bool) -> None:
    torch.manual_seed(4)
    model, (x, t) = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2), nn.Tanh(), nn.Linear(2, 2)), batch(5, 3)
    model(x)  # its running means are no longer those that it starts with
    left_by(model.train(not training), x, t).train(training)
    before = {name: buffer.clone() for name, buffer in model.named_buffers()}
    report = check.gradient(model, loss=nn.MSELoss(), batch=(x, t), **QUIET)
    assert report.verdict == "wrong"
    assert [d.kinds for d in report.diagnoses] == [("other-mode",)]
    assert model.training is training
    assert all(torch.equal(buffer, before[name]) for name, buffer in model.named_buffers())


def test_a_square_array_that_is_transposed_is_named() -> None:
    torch.manual_seed(5)
    model, (x, t) = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 2)), batch(5, 3)
    claimed = {name: p.grad for name, p in left_by(model, x, t).named_parameters()}
    claimed["0.weight"] = claimed["0.weight"].T
    report = check.gradient(model, claimed, loss=nn.MSELoss(), batch=(x, t), **QUIET)
    assert report.verdict == "wrong"
    assert [d.kinds for d in report.diagnoses] == [("arrays-transposed",)]
    assert "0.weight is transposed" in report.diagnoses[0].says


def test_sparse_gradients_are_taken_and_kept() -> None:
    torch.manual_seed(6)
    model = nn.Sequential(nn.Embedding(5, 3, sparse=True), nn.Flatten(), nn.Linear(6, 1))
    x, t = torch.randint(0, 5, (6, 2)), torch.randn(6, 1)
    before = left_by(model, x, t)[0].weight.grad.to_dense().clone()
    assert check.gradient(model, loss=nn.MSELoss(), batch=(x, t), **QUIET).verdict == "right"
    assert torch.equal(model[0].weight.grad.to_dense(), before)


def test_a_row_of_padding_that_counts_is_named() -> None:
    torch.manual_seed(7)
    model = nn.Sequential(nn.Embedding(5, 3, padding_idx=0), nn.Flatten(), nn.Linear(6, 1))
    x, t = torch.tensor([[0, 1], [2, 0], [3, 4], [1, 1]]), torch.randn(4, 1)
    report = check.gradient(left_by(model, x, t), loss=nn.MSELoss(), batch=(x, t), **QUIET)
    assert report.verdict == "wrong"
    assert report.kinds == ("padding",)


def test_a_model_that_gives_a_dictionary_is_checked_and_refused_as_before() -> None:
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(3, 1)

        def forward(self, x: Any) -> Any:
            return {"y": self.fc(x)}

    def loss(outputs: Any, t: Any) -> Any:
        return ((outputs["y"] - t) ** 2).mean()

    torch.manual_seed(8)
    model, (x, t) = Named(), batch(6, 3, targets=1)
    loss(model(x), t).backward()
    assert check.gradient(model, loss=loss, batch=(x, t), **QUIET).verdict == "right"
    model.fc.weight.grad *= 3
    assert check.gradient(model, loss=loss, batch=(x, t), **QUIET).verdict == "wrong"
