"""Networks from elsewhere: the same outputs, the same derivatives in both orders, and refusals that name the layer."""

from __future__ import annotations

import contextlib
import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import hesslib
from hesslib import Activation, Network, check
from hesslib.convert import LossConvention, ParameterOrder, from_jax, from_torch
from hesslib.convert.comparison import roundings

torch = pytest.importorskip("torch")
nn = torch.nn
prune = pytest.importorskip("torch.nn.utils.prune")
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
    "fitted": lambda: stack(nn.Linear(2, 4), nn.GELU(approximate="tanh"), nn.Linear(4, 3)),
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


class Linear2(nn.Linear):
    pass


def scaled() -> Any:
    """A class called Linear that is not PyTorch's."""

    class Linear(nn.Linear):
        def forward(self, z: Any) -> Any:
            return 2 * super().forward(z)

    return Linear(2, 3)


def tied() -> Any:
    model = stack(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 3))
    model[4].weight = model[2].weight
    return model


def used_twice() -> Any:
    layer = nn.Linear(3, 3)
    return stack(nn.Linear(2, 3), nn.Tanh(), layer, nn.Tanh(), layer)


def with_(model: Any, change: Any) -> Any:
    change(model)
    return model


def plain_stack() -> Any:
    return stack(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))


class Doubled(nn.Sequential):
    def forward(self, x: Any) -> Any:
        return 2 * super().forward(x)


class Wrapped(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(2, 1)

    def forward(self, x: Any) -> Any:
        return self.fc(x)


class Hidden(nn.Module):
    """Is the tanh for small numbers only."""

    def forward(self, a: Any) -> Any:
        return torch.where(a.abs() < 8, torch.tanh(a), a)


def normed(norm: Any) -> Any:
    model = plain_stack()
    norm(model[0])
    return model


ANOTHER_FUNCTION = {
    "a layer used twice": (used_twice, {}, "the weight of layer 4 is that of layer 2 as well"),
    "tied weights": (tied, {}, "the weight of layer 4 is that of layer 2 as well"),
    "a class of that name": (lambda: stack(scaled()), {}, r"layer 0 is Linear of test_convert"),
    "a class under it": (lambda: stack(Linear2(2, 3)), {}, r"layer 0 is Linear2 of test_convert"),
    "a stack with its own forward": (lambda: Doubled(nn.Linear(2, 1)), {}, "layer 0 is Doubled of test_convert"),
    "a forward set on the object": (
        lambda: with_(plain_stack(), lambda m: setattr(m[1], "forward", lambda a: a)),
        {},
        "layer 1 is Tanh with a forward of its own",
    ),
    "a module of one's own": (Wrapped, {}, r"layer 0 is Wrapped of test_convert"),
    "a low threshold": (
        lambda: stack(nn.Linear(2, 3), nn.Softplus(threshold=1), nn.Linear(3, 1)),
        {},
        r"layer 1 is Softplus\(threshold=1",
    ),
    "a forward hook": (
        lambda: with_(plain_stack(), lambda m: m[1].register_forward_hook(lambda m, i, o: 2 * o)),
        {},
        r"layer 1 \(Tanh\) has a forward hook, <lambda>",
    ),
    "a hook that only looks on, on the whole": (
        lambda: with_(plain_stack(), lambda m: m.register_forward_hook(print)),
        {},
        r"the model \(Sequential\) has a forward hook, print",
    ),
    "a pre-hook": (
        lambda: with_(plain_stack(), lambda m: m[2].register_forward_pre_hook(lambda m, i: (2 * i[0],))),
        {},
        r"layer 2 \(Linear\) has a forward pre-hook",
    ),
    "a backward hook": (
        lambda: with_(plain_stack(), lambda m: m[1].register_full_backward_hook(lambda m, i, o: None)),
        {},
        r"layer 1 \(Tanh\) has a backward hook",
    ),
    "a hook on a gradient": (
        lambda: with_(plain_stack(), lambda m: m[0].bias.register_hook(lambda g: 2 * g)),
        {},
        "the parameter 0.bias has a hook on its gradient",
    ),
    "spectral norm": (lambda: normed(nn.utils.spectral_norm), {}, r"layer 0 \(Linear\) has a forward pre-hook, Spec"),
    "spectral norm as a parametrization": (
        lambda: normed(nn.utils.parametrizations.spectral_norm),
        {},
        "layer 0 is ParametrizedLinear",
    ),
    "pruning in progress": (
        lambda: normed(lambda m: prune.random_unstructured(m, "weight", 0.5)),
        {},
        r"layer 0 \(Linear\) has a forward pre-hook, RandomUnstructured",
    ),
    "a batch normalisation called nothing": (
        lambda: stack(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Tanh(), nn.Linear(3, 1)).eval(),
        {"activations": {"BatchNorm1d": "identity"}},
        r"layer 1 is BatchNorm1d with parameters of its own \(weight, bias\)",
    ),
    "one without parameters": (
        lambda: with_(stack(nn.Linear(2, 3), nn.BatchNorm1d(3, affine=False), nn.Linear(3, 1)), torch.nn.Module.eval),
        {"activations": {"BatchNorm1d": "identity"}},
        "the model is another function than the network",
    ),
    "a learned slope called relu": (
        lambda: stack(nn.Linear(2, 3), nn.PReLU(), nn.Linear(3, 1)),
        {"activations": {"PReLU": "relu"}},
        r"layer 1 is PReLU with parameters of its own \(weight\)",
    ),
    "another activation in its name": (
        lambda: stack(nn.Linear(2, 3), nn.Hardtanh(), nn.Linear(3, 1)),
        {"activations": {"Hardtanh": "tanh"}},
        "the model is another function than the network",
    ),
    "one that differs far from zero only": (
        lambda: stack(nn.Linear(2, 3), Hidden(), nn.Linear(3, 1)),
        {"activations": {"Hidden": "tanh"}},
        "the model is another function than the network",
    ),
    "a parameter of the stack itself": (
        lambda: with_(plain_stack(), lambda m: m.register_parameter("scale", nn.Parameter(torch.ones(1)))),
        {},
        "the parameter scale belongs to no layer that a Network has",
    ),
    "a weight that is held": (
        lambda: with_(
            plain_stack(), lambda m: (delattr(m[0], "weight"), setattr(m[0], "weight", torch.ones(3, 2).double()))
        ),
        {},
        "the weight of layer 0 is no parameter of the model",
    ),
    "all patterns in one row": (
        lambda: stack(nn.Flatten(0), nn.Linear(2, 1)),
        {},
        r"layer 0 is Flatten\(start_dim=0, end_dim=-1\)",
    ),
    "half precision of Google": (
        lambda: plain_stack().bfloat16(),
        {},
        "the weight of layer 0 has dtype torch.bfloat16",
    ),
    "no values yet": (lambda: nn.Linear(2, 3, device="meta"), {}, "the weight of layer 0 has no values yet"),
    "no module": (lambda: plain_stack().state_dict(), {}, "model is a OrderedDict; it must be a torch.nn.Module"),
}


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("name", ANOTHER_FUNCTION)
def test_a_model_that_is_another_function_than_its_layers_is_refused_by_name(name: str) -> None:
    build, options, message = ANOTHER_FUNCTION[name]
    with pytest.raises(ValueError, match=message) as caught:
        from_torch(build(), **options)
    if name != "no module":
        assert "check.gradient(model, loss=..., batch=(x, t))" in str(caught.value)


def test_a_model_that_cannot_be_run_says_so() -> None:
    class Broken(nn.Module):
        def forward(self, a: Any) -> Any:
            raise RuntimeError("out of order")

    with pytest.raises(ValueError, match=r"cannot be run on inputs of shape \(24, 2\) \(RuntimeError: out of order\)"):
        from_torch(stack(nn.Linear(2, 3), Broken(), nn.Linear(3, 1)), activations={"Broken": "tanh"})


@pytest.mark.parametrize("nested", [False, True])
def test_one_activation_in_two_places_stands_in_both(nested: bool) -> None:
    act, drop = nn.Tanh(), nn.Dropout(0.5)
    model = stack(nn.Linear(2, 4), act, drop, nn.Linear(4, 4), nn.Sequential(act, drop) if nested else act)
    model.append(nn.Linear(4, 3)).eval().double()
    here = from_torch(model)
    assert [h.name for h in here.net.activation] == ["tanh", "tanh"]
    theirs = model(torch.from_numpy(X)).detach().numpy()
    np.testing.assert_allclose(hesslib.outputs(here.net, here.w, X), theirs, rtol=1e-12, atol=1e-14)
    assert "24 random inputs" in here.said


def test_a_repeated_block_is_repeated() -> None:
    block = nn.Sequential(nn.Identity(), nn.Tanh())
    here = from_torch(stack(nn.Linear(2, 4), block, nn.Linear(4, 4), block, nn.Linear(4, 3)))
    assert [h.name for h in here.net.activation] == ["tanh", "tanh"]


REORDERED = {
    "weight norm removed": lambda layer: nn.utils.remove_weight_norm(nn.utils.weight_norm(layer)),
    "pruned": lambda layer: prune.remove(prune.random_unstructured(layer, "weight", 2), "weight"),
    "weight set anew": lambda layer: (
        weight := layer.weight,
        delattr(layer, "weight"),
        layer.register_parameter("weight", weight),
    ),
}


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("change", REORDERED)
def test_positions_are_those_of_the_parameters_whatever_order_they_were_registered_in(change: str) -> None:
    model = MODELS["tanh"]()
    REORDERED[change](model[0])
    assert [name for name, _ in model.named_parameters()][:2] == ["0.bias", "0.weight"]
    here, t = from_torch(model, loss=nn.MSELoss()), torch.from_numpy(targets("squared_error"))
    nn.MSELoss()(model(torch.from_numpy(X)), t).backward()
    g = nn.utils.parameters_to_vector([p.grad for p in model.parameters()])
    np.testing.assert_array_equal(here.point, nn.utils.parameters_to_vector(model.parameters()).detach().numpy())
    assert check.gradient(here.on(X, t), here.point, g, progress=False)
    assert not check.gradient(here.on(X, t), here.point, g.flip(0), progress=False)


def test_the_usual_softplus_is_taken_where_its_linear_end_is_reached() -> None:
    model = stack(nn.Linear(2, 4), nn.Softplus(), nn.Linear(4, 3))
    with torch.no_grad():
        model[0].bias += 25
    assert from_torch(model).net.activation[0].name == "softplus"


def test_a_conversion_changes_nothing_of_the_model() -> None:
    model = stack(nn.Linear(2, 4), nn.Softplus(), nn.BatchNorm1d(4, affine=False), nn.Linear(4, 3)).float()
    with pytest.raises(ValueError, match="right after another activation"):
        from_torch(model, activations={"BatchNorm1d": "identity"})
    model.pop(1)
    with pytest.raises(ValueError, match="another function"):
        from_torch(model, activations={"BatchNorm1d": "identity"})
    assert model[1].training
    assert int(model[1].num_batches_tracked) == 0
    assert model[0].weight.dtype == torch.float32


class MSELoss(nn.Module):
    reduction = "mean"

    def forward(self, y: Any, t: Any) -> Any:
        return (y - t).abs().mean()


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (nn.CrossEntropyLoss(ignore_index=0), "CrossEntropyLoss with ignore_index=0"),
        (nn.NLLLoss(ignore_index=2), "NLLLoss with ignore_index=2"),
        (nn.CrossEntropyLoss(weight=torch.ones(3)), r"CrossEntropyLoss with weight=\[1.0, 1.0, 1.0\]"),
        (nn.BCEWithLogitsLoss(weight=torch.ones(1)), r"BCEWithLogitsLoss with weight=\[1.0\]"),
        (nn.SmoothL1Loss(), "loss is SmoothL1Loss; it must be a module of torch.nn, one of MSELoss"),
        (nn.functional.mse_loss, "loss is the function mse_loss; it must be a module of torch.nn"),
        (MSELoss(), "loss is MSELoss of test_convert; it must be a module of torch.nn"),
    ],
)
def test_losses_with_options_or_of_ones_own_are_refused_by_name(loss: Any, message: str) -> None:
    model = stack(nn.Linear(2, 3)) if not isinstance(loss, nn.NLLLoss) else stack(nn.Linear(2, 3), nn.LogSoftmax(1))
    with pytest.raises(ValueError, match=message):
        from_torch(model, loss=loss)


def test_a_loss_that_gives_other_numbers_than_its_class_says_is_refused() -> None:
    loss = nn.MSELoss()
    loss.forward = lambda y, t: (y - t).abs().mean()
    with pytest.raises(ValueError, match=r"loss is torch.nn.MSELoss\(\), which gives .* on random outputs"):
        from_torch(stack(nn.Linear(2, 3)), loss=loss)


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
    """As in Equinox, for one pattern."""

    weight: Any
    bias: Any

    def __call__(self, z: Any) -> Any:
        return self.weight @ z + self.bias


@dataclass
class MLP:
    """As in Equinox: functions are leaves of the tree."""

    layers: Any
    activation: Any
    final_activation: Any = None
    extra: Any = None

    def __call__(self, x: Any) -> Any:
        for layer in self.layers[:-1]:
            x = self.activation(layer(x))
        x = self.layers[-1](x)
        return x if self.final_activation is None else self.final_activation(x)


def equinox(activation: Any = None, **fields: Any) -> Any:
    import jax

    data = ["layers", "activation", "final_activation", "extra"]
    for kind, leaves in ((Linear, ["weight", "bias"]), (MLP, data)):
        with contextlib.suppress(ValueError):  # done by an earlier test
            jax.tree_util.register_dataclass(kind, leaves, [])
    return MLP([Linear(W, b) for W, b in layers(False)], activation or jax.numpy.tanh, **fields)


FORMS = {
    "x @ W + b": lambda: (layers(True), {"activation": "tanh"}),
    "W @ x + b": lambda: (layers(False), {"activation": "tanh"}),
    "Flax": lambda: (flax(), {"activation": "tanh"}),
    "Equinox": lambda: (equinox(), {}),
    "Equinox, its own said again": lambda: (equinox(final_activation=lambda y: y), {"activation": ["tanh"] * 2}),
    "names without numbers": lambda: (
        dict(zip(("inp", "hidden", "out"), flax()["params"].values(), strict=True)),
        {"activation": "tanh", "layers": ("inp", "hidden", "out"), "apply": named},
    ),
}


def named(params: Any, x: Any) -> Any:
    """A perceptron whose layers have names that are not in alphabetical order."""
    import jax.numpy as jnp

    for name in ("inp", "hidden"):
        x = jnp.tanh(x @ params[name]["kernel"] + params[name]["bias"])
    return x @ params["out"]["kernel"] + params["out"]["bias"]


def square(*names: str) -> dict[str, Any]:
    rng = np.random.default_rng(3)
    return {name: {"kernel": rng.standard_normal((2, 2)), "bias": rng.standard_normal(2)} for name in names}


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
    arrays = [leaf for leaf in jax.tree_util.tree_leaves(params) if hasattr(leaf, "shape")]
    vector, _ = ravel_pytree(arrays)
    np.testing.assert_array_equal(here.point, np.asarray(vector))
    H = RNG.standard_normal((len(here.w),) * 2)
    np.testing.assert_array_equal(here.order.to_hesslib(here.order.from_hesslib(H)), H)


def test_ten_layers_of_flax_are_counted_as_numbers() -> None:
    params = {f"Dense_{l}": {"kernel": np.ones((l + 1, l + 2))} for l in range(11)}
    assert from_jax(params, activation="sin").net.widths == tuple(range(1, 13))


def test_functions_of_jax_are_recognised_and_each_gelu_by_itself() -> None:
    import jax

    shapes = [(np.ones((3, 2)), None), (np.ones((2, 3)), None), (np.ones((1, 2)), None)]
    own = Activation("own", hesslib.networks.activations.ACTIVATIONS["tanh"].functions)
    here = from_jax(shapes, activation=[jax.nn.sigmoid, own], loss=LossConvention("theirs", "squared_error", 2.0, "N"))
    assert [h.name for h in here.net.activation] == ["logistic", "own"]
    assert here.loss.factor(4, 3) == 0.5
    exact = functools.partial(jax.nn.gelu, approximate=False)
    here = from_jax(shapes, activation=[jax.nn.gelu, exact])
    assert [h.name for h in here.net.activation] == ["gelu_tanh", "gelu"]


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: from_jax(equinox(final_activation=np.tanh)), "the final_activation of the model is tanh"),
        (
            lambda: from_jax(equinox(), activation="sin"),
            "activation is sin for hidden layer 1; the model's own is tanh",
        ),
        (lambda: from_jax(equinox(), activation=["tanh", "relu"]), "activation is relu for hidden layer 2"),
        (lambda: from_jax(equinox(activation=lambda a: np.tanh(1)[()] * a)), "activation is <lambda>; it must be"),
        (lambda: from_jax(equinox(extra=np.ones(2))), r"params.extra belongs to no layer"),
        (lambda: from_jax(equinox(extra=2.0)), r"params.extra is a float; it must be an array"),
        (lambda: from_jax(square("inp", "hidden", "out"), activation="tanh"), "tell no order .* fit more than one"),
        (lambda: from_jax(square("Dense_0", "head"), activation="tanh"), "the names Dense_0, head tell no order"),
        (lambda: from_jax(square("a", "b"), activation="tanh", layers=("a",)), "layers is .*each of a, b once"),
        (lambda: from_jax(square("a", "b"), activation="tanh", layers="ab"), "layers is 'ab'"),
        (lambda: from_jax([(np.ones((2, 1)), None)], layers=("a",)), "it is for dictionaries"),
        (
            lambda: from_jax(
                square("inp", "hidden", "out"), activation="tanh", layers=("hidden", "inp", "out"), apply=named
            ),
            "the model is another function than the network",
        ),
        (
            lambda: from_jax(square("out"), apply=named),
            r"cannot be run on inputs of shape \(24, 2\) \(KeyError: 'inp'\)",
        ),
        (lambda: from_jax({"params": square("a"), "batch_stats": {}}), "params has batch_stats beside params"),
        (lambda: from_jax({"a": {"w": np.ones((2, 2)), "b": np.ones(2)}}), "fits both ways round"),
        (lambda: from_jax(square("a"), layout="rows"), "layout is 'rows'"),
    ],
)
@pytest.mark.usefixtures("as_installed")
def test_what_parameters_of_jax_leave_open_is_asked_for_and_what_contradicts_is_refused(
    build: Any, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        build()


def test_names_that_tell_no_order_are_put_in_the_one_that_fits() -> None:
    rng = np.random.default_rng(5)
    params = {name: {"kernel": rng.standard_normal(shape)} for name, shape in (("out", (4, 1)), ("inp", (2, 4)))}
    here = from_jax(params, activation="tanh")
    assert here.net.widths == (2, 4, 1)
    np.testing.assert_array_equal(here.net.layers(here.w)[0][1], params["inp"]["kernel"].T)
    assert here.said.startswith("the parameters alone tell no function, and nothing was run")


def test_a_function_is_known_by_its_values_not_by_its_name() -> None:
    import jax

    def relu(a: Any) -> Any:
        return jax.numpy.maximum(a, 0.1 * a)

    shapes = [(np.ones((3, 2)), None), (np.ones((1, 3)), None)]
    exact = functools.partial(jax.nn.gelu, approximate=False)
    for function, name in ((exact, "gelu"), (lambda a: 2 * jax.nn.sigmoid(2 * a) - 1, "tanh"), (jax.nn.swish, "silu")):
        assert from_jax(shapes, activation=function).net.activation[0].name == name
    assert from_jax(shapes, activation="sigmoid").net.activation[0].name == "logistic"
    with pytest.raises(ValueError, match="activation is relu; it must be"):
        from_jax(shapes, activation=relu)


def test_roundings_are_followed_from_layer_to_layer_as_by_hand():
    net, eps = Network((1, 1, 1), activation="identity"), 2.0**-52
    w = net.ravel([np.array([[2.0]]), np.array([[-3.0]])], [np.zeros(1), np.ones(1)])
    first = eps * 2 + eps * (2 + 2 + 1)  # of a = 2, and of what the activation makes of it
    assert roundings(net, w, np.array([[1.0]]), eps) == 3 * first + eps * (3 * 2 + 1)
