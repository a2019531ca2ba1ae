"""Networks from elsewhere: the same outputs, the same derivatives in both orders, and refusals that name the layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import hesslib
from hesslib import Activation, Network, check
from hesslib.convert import LossConvention, ParameterOrder, from_jax, from_torch

torch = pytest.importorskip("torch")
nn = torch.nn
RNG = np.random.default_rng(0)
X = RNG.standard_normal((5, 2))


def stack(*modules: Any, dtype: Any = None) -> Any:
    torch.manual_seed(0)
    return nn.Sequential(*modules).to(dtype or torch.float64)


MODELS = {
    "one layer": lambda: stack(nn.Linear(2, 3)),
    "tanh": lambda: stack(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 3)),
    "nested": lambda: stack(nn.Sequential(nn.Linear(2, 4), nn.SiLU()), nn.Sequential(nn.Linear(4, 3))),
    "mixed": lambda: stack(nn.Linear(2, 4), nn.Sigmoid(), nn.Linear(4, 3), nn.GELU(), nn.Linear(3, 3)),
    "softplus": lambda: stack(nn.Linear(2, 4), nn.Softplus(), nn.Linear(4, 3)),
    "relu, dropout off": lambda: stack(nn.Linear(2, 4), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4, 3)).eval(),
    "no biases": lambda: stack(nn.Linear(2, 4, bias=False), nn.Tanh(), nn.Linear(4, 3)),
    "linear on linear": lambda: stack(nn.Linear(2, 4), nn.Linear(4, 3)),
    "identity modules": lambda: stack(nn.Flatten(), nn.Linear(2, 4), nn.Identity(), nn.Tanh(), nn.Linear(4, 3)),
}
LOSSES = {
    "MSE mean": (nn.MSELoss(), "squared_error", 2 / 15),
    "MSE sum": (nn.MSELoss(reduction="sum"), "squared_error", 2.0),
    "CE mean": (nn.CrossEntropyLoss(), "softmax_cross_entropy", 1 / 5),
    "CE sum": (nn.CrossEntropyLoss(reduction="sum"), "softmax_cross_entropy", 1.0),
    "BCE mean": (nn.BCEWithLogitsLoss(), "binary_cross_entropy", 1 / 15),
}


def targets(loss: str) -> np.ndarray:
    rng = np.random.default_rng(1)
    return rng.dirichlet(np.ones(3), 5) if loss == "softmax_cross_entropy" else rng.uniform(0, 1, (5, 3))


def torch_loss(model: Any, loss: Any, t: np.ndarray) -> Any:
    """Their loss as a function of their vector of parameters."""
    shapes = [(name, p.shape) for name, p in model.named_parameters()]

    def E(v: Any) -> Any:
        parts, position = {}, 0
        for name, shape in shapes:
            parts[name] = v[position : position + shape.numel()].reshape(shape)
            position += shape.numel()
        return loss(torch.func.functional_call(model, parts, (torch.from_numpy(X),)), torch.from_numpy(t))

    return E


@pytest.mark.parametrize("name", MODELS)
def test_a_stack_of_pytorch_has_the_same_outputs_here(name: str) -> None:
    model = MODELS[name]()
    here = from_torch(model)
    theirs = model(torch.from_numpy(X)).detach().numpy()
    np.testing.assert_allclose(hesslib.forward(here.net, here.w, X).a[-1], theirs, rtol=1e-12, atol=1e-14)
    vector = nn.utils.parameters_to_vector(model.parameters()).detach().numpy()
    np.testing.assert_array_equal(here.point, vector)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of PyTorch's own parts
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", ["tanh", "mixed", "no biases"])
def test_a_hessian_of_pytorch_is_that_of_the_conversion_in_its_order_and_scale(name: str, loss: str) -> None:
    model, (module, ours, factor) = MODELS[name](), LOSSES[loss]
    here, t = from_torch(model, loss=module), targets(ours)
    assert here.net.loss.name == ours
    assert here.loss.factor(5, 3) == pytest.approx(factor, rel=1e-15)
    H = torch.func.hessian(torch_loss(model, module, t))(torch.from_numpy(here.point)).numpy()
    carried = here.order.from_hesslib(hesslib.hessian(here.net, here.w, X, t)) * factor
    np.testing.assert_allclose(carried, H, rtol=1e-10, atol=1e-13)
    assert check.hessian(here.on(X, t), here.point, H, referees=["closed form"])


@pytest.mark.parametrize(
    ("module", "last", "ours", "divisor"),
    [
        (nn.BCELoss(), nn.Sigmoid(), "binary_cross_entropy", "NK"),
        (nn.NLLLoss(reduction="sum"), nn.LogSoftmax(dim=1), "softmax_cross_entropy", "1"),
    ],
)
def test_an_output_function_before_the_loss_becomes_part_of_it(module: Any, last: Any, ours: str, divisor: str) -> None:
    here = from_torch(stack(nn.Linear(2, 3), last), loss=module)
    assert (here.net.loss.name, here.loss.divisor) == (ours, divisor)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: from_torch(stack(nn.Linear(2, 3), nn.ELU(), nn.Linear(3, 1))), "layer 1 is ELU; it must be"),
        (lambda: from_torch(stack(nn.Sequential(nn.Conv1d(1, 1, 1)))), "layer 0.0 is Conv1d"),
        (lambda: from_torch(stack(nn.Tanh(), nn.Linear(2, 1))), "layer 0 is Tanh before the first Linear"),
        (lambda: from_torch(stack(nn.Linear(2, 1), nn.Tanh())), "layer 1 is an activation after the last Linear"),
        (
            lambda: from_torch(stack(nn.Linear(2, 3), nn.Tanh(), nn.SiLU(), nn.Linear(3, 1))),
            "layer 2 is SiLU right after another activation",
        ),
        (
            lambda: from_torch(stack(nn.Linear(2, 3), nn.GELU(approximate="tanh"), nn.Linear(3, 1))),
            r"layer 1 is GELU\(approximate='tanh'\)",
        ),
        (
            lambda: from_torch(stack(nn.Linear(2, 3), nn.Softplus(beta=2), nn.Linear(3, 1))),
            r"layer 1 is Softplus\(beta=2",
        ),
        (
            lambda: from_torch(stack(nn.Linear(2, 3), nn.Dropout(0.1), nn.Linear(3, 1))),
            r"layer 1 is Dropout\(p=0.1\) in training mode",
        ),
        (lambda: from_torch(stack(nn.Linear(2, 3), nn.Linear(4, 1))), "layer 1 takes 4 inputs; the layer before it"),
        (lambda: from_torch(nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1).double())), "layer 1 is float64"),
        (lambda: from_torch(nn.Sequential()), "the model has no linear layer"),
        (lambda: from_torch(stack(nn.Linear(2, 3)), loss=nn.BCELoss()), "BCELoss, which needs Sigmoid"),
        (
            lambda: from_torch(stack(nn.Linear(2, 3), nn.LogSoftmax(dim=0)), loss=nn.NLLLoss()),
            "it must go over the outputs",
        ),
        (lambda: from_torch(stack(nn.Linear(2, 3)), loss="huber"), "loss is 'huber'"),
        (lambda: from_torch(stack(nn.Linear(2, 3)), loss=nn.HuberLoss()), "loss is HuberLoss"),
        (
            lambda: from_torch(stack(nn.Linear(2, 3)), loss=nn.CrossEntropyLoss(label_smoothing=0.1)),
            "CrossEntropyLoss with label_smoothing=0.1",
        ),
        (
            lambda: from_torch(stack(nn.Linear(2, 3)), loss=nn.MSELoss(reduction="none")),
            "reduction='none'",
        ),
        (
            lambda: from_torch(stack(nn.Linear(2, 3)), loss=nn.BCEWithLogitsLoss(pos_weight=torch.ones(3))),
            "pos_weight",
        ),
        (lambda: from_torch(stack(nn.Linear(2, 3))).on(X, X), "t is given and the loss is not known"),
        (lambda: from_jax([]), "params has no layers"),
        (lambda: from_jax([np.ones((2, 3))]), r"layer 0 is ndarray; it must be a pair"),
        (lambda: from_jax([(np.ones(3), np.ones(3))]), "the weights of layer 0 have shape"),
        (lambda: from_jax([(np.ones((2, 2)), np.ones(2))]), "fits both ways round"),
        (lambda: from_jax([(np.ones((2, 3)), np.ones(5))]), "do not fit one another"),
        (lambda: from_jax([(np.ones((2, 3)), np.ones(3))], layout="out_in"), "the biases of layer 0"),
        (
            lambda: from_jax([(np.ones((3, 2)), np.ones(3)), (np.ones((1, 3)), np.ones(1))]),
            "activation is missing",
        ),
        (
            lambda: from_jax([(np.ones((3, 2)), np.ones(3)), (np.ones((1, 3)), np.ones(1))], activation=["tanh"] * 2),
            "activation has 2 entries",
        ),
        (
            lambda: from_jax([(np.ones((3, 2)), np.ones(3)), (np.ones((1, 3)), np.ones(1))], activation="elu"),
            "activation is elu",
        ),
        (lambda: from_jax([(np.ones((3, 2)), np.ones(3))], loss="huber"), "loss is 'huber'"),
        (lambda: from_jax({"conv": {"kernel": np.ones((2, 2)), "scale": np.ones(2)}}), "layer conv has"),
        (lambda: from_jax({"conv": np.ones(3)}), "layer conv has ndarray"),
        (lambda: ParameterOrder(np.array([0, 0]), 2), "each at most once"),
        (lambda: ParameterOrder(np.array([0, 2]), 2), "w has 2 entries"),
        (lambda: ParameterOrder(np.array([0]), 2).to_hesslib(np.ones(1)), "lacks 1 of 2 parameters"),
        (lambda: ParameterOrder(np.array([1, 0]), 2).from_hesslib(np.ones(3)), "axes of parameters must have length 2"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(build: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build()


def test_further_activations_can_be_named() -> None:
    class Sine(nn.Module):
        def forward(self, a: Any) -> Any:
            return torch.sin(a)

    model = stack(nn.Linear(2, 3), Sine(), nn.Linear(3, 1))
    here = from_torch(model, activations={"Sine": "sin"}, loss="squared_error")
    assert here.net == Network((2, 3, 1), activation="sin")
    assert here.loss.factor(7, 1) == 1
    np.testing.assert_allclose(
        hesslib.outputs(here.net, here.w, X), model(torch.from_numpy(X)).detach().numpy(), rtol=1e-12
    )


def test_single_precision_stays_single() -> None:
    assert from_torch(nn.Sequential(nn.Linear(2, 1))).w.dtype == np.float32


# --- JAX


def layers(kernel: bool) -> list[tuple[np.ndarray, np.ndarray]]:
    shapes = [(2, 4), (4, 3), (3, 3)]
    rng = np.random.default_rng(2)
    made = [(rng.standard_normal(shape), rng.standard_normal(shape[1])) for shape in shapes]
    return made if kernel else [(W.T, b) for W, b in made]


def flax() -> dict[str, Any]:
    return {"params": {f"Dense_{l}": {"kernel": W, "bias": b} for l, (W, b) in enumerate(layers(True))}}


@dataclass
class Linear:
    weight: Any
    bias: Any


@dataclass
class MLP:
    layers: Any
    activation: Any


def equinox() -> Any:
    import jax

    for kind, data, meta in ((Linear, ["weight", "bias"], []), (MLP, ["layers"], ["activation"])):
        try:
            jax.tree_util.register_dataclass(kind, data, meta)
        except ValueError:  # done by an earlier test
            break
    return MLP([Linear(W, b) for W, b in layers(False)], jax.numpy.tanh)


FORMS = {
    "x @ W + b": lambda: (layers(True), {"activation": "tanh"}),
    "W @ x + b": lambda: (layers(False), {"activation": "tanh"}),
    "Flax": lambda: (flax(), {"activation": "tanh"}),
    "Equinox": lambda: (equinox(), {}),
}


@pytest.mark.parametrize("form", FORMS)
def test_parameters_of_jax_have_the_same_outputs_and_the_order_of_ravel_pytree(form: str) -> None:
    import jax
    from jax.flatten_util import ravel_pytree

    params, options = FORMS[form]()
    here = from_jax(params, loss="squared_error", **options)
    z = X
    for l, (W, b) in enumerate(layers(True)):
        z = z @ W + b if l == 2 else np.tanh(z @ W + b)
    np.testing.assert_allclose(hesslib.outputs(here.net, here.w, X), z, rtol=1e-12)
    vector, _ = ravel_pytree(jax.tree_util.tree_map(np.asarray, params))
    np.testing.assert_array_equal(here.point, np.asarray(vector))
    H = RNG.standard_normal((len(here.w),) * 2)
    np.testing.assert_array_equal(here.order.to_hesslib(here.order.from_hesslib(H)), H)


def test_ten_layers_of_flax_are_counted_as_numbers() -> None:
    params = {f"Dense_{l}": {"kernel": np.ones((l + 1, l + 2))} for l in range(11)}
    assert from_jax(params, activation="sin").net.widths == tuple(range(1, 13))


def test_functions_of_jax_are_recognised_but_for_the_fitted_gelu() -> None:
    import jax

    shapes = [(np.ones((3, 2)), None), (np.ones((2, 3)), None), (np.ones((1, 2)), None)]
    own = Activation("own", hesslib.networks.activations.ACTIVATIONS["tanh"].functions)
    here = from_jax(shapes, activation=[jax.nn.sigmoid, own], loss=LossConvention("theirs", "squared_error", 2.0, "N"))
    assert [h.name for h in here.net.activation] == ["logistic", "own"]
    assert here.loss.factor(4, 3) == 0.5
    with pytest.raises(ValueError, match="tanh fit unless approximate=False"):
        from_jax(shapes, activation=jax.nn.gelu)
