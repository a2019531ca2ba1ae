"""Models of PyTorch that are no stack of dense layers: chains with the same outputs and the same derivatives."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import hesslib
from hesslib import check
from hesslib.convert import from_torch

torch = pytest.importorskip("torch")
nn = torch.nn
EPS = np.finfo(float).eps


class Block(nn.Module):
    """A residual block with batch normalisation, as in vision."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm = nn.Conv2d(2, 3, 3, padding=1, bias=False), nn.BatchNorm2d(3)
        self.second, self.act, self.last = nn.Conv2d(3, 3, 3, padding=1, groups=3), nn.SiLU(), nn.Linear(3, 2)

    def forward(self, x: Any) -> Any:
        z = self.act(self.norm(self.first(x)))
        z = torch.tanh(z + self.second(z))
        return self.last(z.mean(dim=(2, 3)))


class Language(nn.Module):
    """A causal language model of one attention block, with positions that are learned."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(5, 4), nn.Parameter(torch.randn(1, 3, 4))
        self.norm, self.attention = nn.LayerNorm(4), nn.MultiheadAttention(4, 2, batch_first=True)
        self.head = nn.Linear(4, 5)
        self.register_buffer("mask", torch.triu(torch.ones(3, 3, dtype=torch.bool), 1))

    def forward(self, x: Any) -> Any:
        z = self.tokens(x) + self.places
        q = self.norm(z)
        z = z + self.attention(q, q, q, attn_mask=self.mask, need_weights=False)[0]
        return self.head(z)


class Tied(nn.Module):
    """The vectors of the embedding give the outputs as well, and one layer of attention is called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.attention = nn.Embedding(5, 4), nn.MultiheadAttention(4, 2, batch_first=True)
        self.head = nn.Linear(4, 5)
        self.head.weight = self.tokens.weight

    def forward(self, x: Any) -> Any:
        z = self.tokens(x)
        for _ in range(2):
            z = z + self.attention(z, z, z, need_weights=False)[0]
        return self.head(z)


class Crossing(nn.Module):
    """Two positions that attend to all four."""

    def __init__(self) -> None:
        super().__init__()
        self.few, self.attention = nn.Linear(4, 2), nn.MultiheadAttention(4, 2, batch_first=True)

    def forward(self, x: Any) -> Any:
        q = self.few(x.transpose(1, 2)).transpose(1, 2)
        return q + self.attention(q, x, torch.tanh(x))[0]


class Gated(nn.Module):
    """A product and a concatenation of branches."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.norm, self.c = nn.Linear(3, 4), nn.Linear(3, 4), nn.RMSNorm(4, eps=0.1), nn.Linear(7, 2)

    def forward(self, x: Any) -> Any:
        z = self.norm(nn.functional.gelu(self.a(x), approximate="tanh") * torch.sigmoid(self.b(x)))
        return self.c(torch.cat([x, z], dim=1))


def encoder(**options: Any) -> Any:
    return nn.TransformerEncoderLayer(4, 2, 6, batch_first=True, dropout=0.0, **options)


def signal() -> Any:
    first, bend = nn.Conv1d(2, 3, 3, stride=2, dilation=2, padding=1), nn.GELU(approximate="tanh")
    return nn.Sequential(first, bend, nn.MaxPool1d(2), nn.BatchNorm1d(3), nn.Flatten(), nn.Linear(6, 2))


def image() -> Any:
    first, second = nn.Conv2d(1, 4, (3, 2), padding=(1, 0)), nn.Conv2d(4, 4, 3, groups=2, padding=1)
    pools = nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(1)
    return nn.Sequential(first, nn.Tanh(), pools[0], second, pools[1], nn.Flatten(), nn.Linear(4, 2))


TIED = nn.LayerNorm(3)
MODELS: dict[str, tuple[Callable[[], Any], tuple[int, ...], Any]] = {
    "block in evaluation": (lambda: Block().eval(), (3, 2, 4, 4), nn.CrossEntropyLoss()),
    "block in training": (Block, (3, 2, 4, 4), nn.MSELoss()),
    "language model": (Language, (2, 3), None),
    "tied": (Tied, (2, 3), nn.MSELoss()),
    "one layer twice": (lambda: nn.Sequential(TIED, nn.Tanh(), TIED), (2, 3), nn.MSELoss()),
    "crossing": (Crossing, (2, 4, 4), nn.MSELoss()),
    "gates": (Gated, (4, 3), nn.BCEWithLogitsLoss()),
    "encoder, norm first": (lambda: encoder(norm_first=True), (2, 3, 4), nn.MSELoss()),
    "encoder, norm last": (lambda: encoder(activation="gelu").eval(), (2, 3, 4), nn.MSELoss(reduction="sum")),
    "encoder, fitted gelu": (lambda: encoder(activation=nn.GELU(approximate="tanh")), (2, 3, 4), nn.MSELoss()),
    "signal": (signal, (4, 2, 11), nn.BCEWithLogitsLoss()),
    "image": (image, (3, 1, 6, 6), "squared_error"),
}


def inputs_of(shape: tuple[int, ...], model: Any) -> Any:
    torch.manual_seed(1)
    return (
        torch.randint(0, 5, shape) if isinstance(model, Language | Tied) else torch.randn(*shape, dtype=torch.float64)
    )


@pytest.mark.parametrize("name", MODELS)
def test_a_model_becomes_a_chain_with_the_gradient_of_autograd_in_the_order_of_the_model(name: str) -> None:
    torch.manual_seed(0)
    made, shape, loss = MODELS[name]
    model = made().double()
    x = inputs_of(shape, model)
    here = from_torch(model, loss=loss, inputs=x)
    assert here.said.startswith("model and chain were run on 3 random batches")
    assert len(here.w) == sum(p.numel() for p in model.parameters())
    twin = copy.deepcopy(model)
    y = twin(x)
    assert np.abs(here.chain.linearise(here.w, x.numpy()).outputs - y.detach().numpy()).max() <= 1e4 * EPS
    if loss is None or isinstance(loss, str):
        return
    classes = type(loss).__name__ == "CrossEntropyLoss"
    t = torch.randint(0, y.shape[-1], y.shape[:-1]) if classes else torch.rand_like(y)
    right = torch.autograd.grad(loss(y, t), list(twin.parameters()))
    right = np.concatenate([g.reshape(-1).numpy() for g in right])
    problem = here.on(x.numpy(), t.numpy())
    found = problem.factor * here.order.from_hesslib(hesslib.gradient(here.net, here.w, problem.x, problem.t))
    assert np.abs(found - right).max() <= 1e4 * EPS * np.abs(right).max()


def test_single_precision_stays() -> None:
    model = encoder()
    assert from_torch(model, inputs=torch.zeros(1, 2, 4)).w.dtype == np.float32


class Odd(nn.Module):
    def __init__(self, forward: Callable[..., Any], **parts: Any) -> None:
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)
        self.run = forward

    def forward(self, x: Any) -> Any:
        return self.run(self, x)


def attend(model: Any, x: Any) -> Any:
    return model.a(x, x, x)[0]


def cut(model: Any, x: Any) -> Any:
    with torch.no_grad():
        return model.a(x)


def of_a_hint(model: Any, x: Any) -> Any:
    return model.a(x, x, x, is_causal=True, need_weights=False)[0]


REFUSED: dict[str, tuple[Callable[[], Any], tuple[int, ...], str]] = {
    "a module": (lambda: nn.Sequential(nn.LayerNorm(3), nn.GroupNorm(1, 3)), (2, 3), "group_norm"),
    "dropout": (lambda: nn.Sequential(nn.LayerNorm(3), nn.Dropout(0.5)), (2, 3), "in training mode"),
    "ceil": (lambda: nn.Sequential(nn.AvgPool1d(2, ceil_mode=True)), (2, 1, 5), "ceil_mode=False"),
    "unused": (lambda: Odd(lambda s, x: s.a(x), a=nn.LayerNorm(3), b=nn.Linear(3, 3)), (2, 3), "b.weight"),
    "function": (lambda: Odd(lambda s, x: torch.exp(s.a(x)), a=nn.LayerNorm(3)), (2, 3), "calls exp"),
    "batch last": (lambda: Odd(attend, a=nn.MultiheadAttention(4, 2)), (2, 3, 4), "batch_first=True"),
    "branching": (lambda: Odd(lambda s, x: s.a(x) if x.sum() > 0 else x, a=nn.LayerNorm(3)), (2, 3), "be traced"),
    "padding": (lambda: nn.Sequential(nn.Conv1d(1, 1, 3, padding=1, padding_mode="circular")), (2, 1, 5), "of zeros"),
    "no gradients": (lambda: Odd(cut, a=nn.LayerNorm(3)), (2, 3), "gradients of their"),
    "cut": (lambda: Odd(lambda s, x: s.b(cut(s, x)), a=nn.LayerNorm(3), b=nn.Linear(3, 2)), (2, 3), "gradients of"),
    "fails": (lambda: Odd(of_a_hint, a=nn.MultiheadAttention(4, 2, batch_first=True)), (2, 3, 4), "fails on random"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_understood_is_refused_by_name(name: str) -> None:
    made, shape, words = REFUSED[name]
    with pytest.raises(ValueError, match=words):
        from_torch(made().double(), inputs=torch.randn(*shape, dtype=torch.float64))


def test_a_model_of_layers_of_chains_asks_for_inputs() -> None:
    with pytest.raises(ValueError, match="inputs is missing"):
        from_torch(nn.Sequential(nn.LayerNorm(3)))


def hessian_of(model: Any, loss: Any, x: Any, t: Any) -> np.ndarray:
    here = from_torch(model, loss=loss, inputs=x)
    problem = here.on(x.numpy(), t.numpy())
    whole: np.ndarray = here.order.from_hesslib(hesslib.hessian(here.net, here.w, problem.x, problem.t))
    return problem.factor * whole


REFEREES: Any = ("finite differences",)  # PyTorch's own second derivatives of layer_norm are wrong (issue 196699)


@pytest.fixture(scope="module")
def planted() -> Any:
    torch.manual_seed(2)
    model = nn.TransformerEncoderLayer(2, 1, 1, batch_first=True, norm_first=True, dropout=0.0).double()
    x, t = torch.randn(2, 2, 2, dtype=torch.float64), torch.randn(2, 2, 2, dtype=torch.float64)
    return model, x, t, hessian_of(model, nn.MSELoss(), x, t)


def checked(model: Any, x: Any, t: Any, H: np.ndarray) -> Any:
    return check.hessian(model, claimed=H, loss=nn.MSELoss(), batch=(x, t), referees=REFEREES, progress=False)


@pytest.mark.usefixtures("as_installed")
def test_the_checker_agrees_with_the_hessian_of_a_transformer_layer_and_names_layer_and_slip(planted: Any) -> None:
    model, x, t, H = planted
    assert checked(model, x, t, H).ok
    start, wrong, name = 0, H.copy(), "linear2.weight"
    for other, parameter in model.named_parameters():
        if other == name:
            rows = slice(start, start + parameter.numel())
        start += parameter.numel()
    wrong[rows, rows] *= 2
    report = checked(model, x, t, wrong)
    assert not report.ok
    assert f"{name} x {name}" in str(report)


def test_hessian_products_are_those_of_differences_where_those_of_pytorch_are_not(planted: Any) -> None:
    model, x, t, H = planted
    at = torch.cat([p.detach().reshape(-1) for p in model.parameters()])
    v = torch.from_numpy(np.random.default_rng(0).standard_normal(len(at)))

    def gradient(w: Any) -> Any:
        twin = copy.deepcopy(model)
        torch.nn.utils.vector_to_parameters(w, twin.parameters())
        found = torch.autograd.grad(nn.functional.mse_loss(twin(x), t), list(twin.parameters()))
        return torch.cat([g.reshape(-1) for g in found])

    h = 1e-4
    two, one = (gradient(at + k * h * v) - gradient(at - k * h * v) for k in (2, 1))
    right = ((8 * one - two) / (12 * h)).numpy()
    assert np.abs(H @ v.numpy() - right).max() <= EPS**0.5 * np.abs(right).max()


@pytest.mark.usefixtures("as_installed")
def test_the_checker_takes_a_chain_where_it_takes_a_network() -> None:
    model = encoder().double()
    x, t = np.random.default_rng(0).standard_normal((2, 2, 3, 4))
    net = from_torch(model, inputs=torch.from_numpy(x)).chain
    w = net.init(1)
    g = hesslib.gradient(net, w, x, t)
    assert check.gradient((net, x, t), w, g, progress=False).ok
    g[net.slices["0.norm1.weight"]] *= -1
    report = check.gradient((net, x, t), w, g, progress=False)
    assert not report.ok
    assert "0.norm1.weight" in str(report)
