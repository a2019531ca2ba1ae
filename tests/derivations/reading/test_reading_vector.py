r"""All weights as one vector, the Hessian as a matrix, norms, a network with one output, and what stands beside formulas."""

# ruff: noqa: E501

from __future__ import annotations

import pytest

from hesslib.derivations import check_latex

pytestmark = pytest.mark.usefixtures("no_slips")

HOLDS = [
    ("book", r"\mathbf{H} = \nabla\nabla E", ""), ("book", r"\mathbf{H} = \mathbf{H}^{\mathsf T}", ""), ("book", r"H_{ij} = \frac{\partial^2 E}{\partial w_i \partial w_j} = H_{ji}", ""),
    ("book", r"\mathcal R\{\nabla E\} = \mathbf{H} \mathbf{v}", ""), ("book", r"\mathcal{R}\{\mathbf w\} = \mathbf v", ""), ("book", r"\mathbf v^T \mathbf H = \mathbf v^T \nabla(\nabla E)", ""),
    ("book", r"\mathbf v^T \mathbf H \mathbf v = \sum_i \sum_j v_i H_{ij} v_j", ""), ("book", r"\mathcal R\{E\} = \mathbf{v}^T \nabla E = \sum_i v_i \frac{\partial E}{\partial w_i}", ""),
    ("book", r"\nabla E = \sum_k \delta_k^{(L)} \nabla a_k^{(L)}", ""), ("book", r"\frac{\partial w_i}{\partial w_j} = I_{ij}", ""), ("book", r"\nabla_{\mathbf w} E = \nabla E", ""),
    ("book", r"\mathbf H = \sum_k \sum_q M_{kq} \nabla a_k^{(L)} (\nabla a_q^{(L)})^T + \sum_k \delta_k^{(L)} \nabla\nabla a_k^{(L)}", ""),
    ("book", r"\mathbf H = \sum_{n=1}^N \nabla\nabla E_n", ""), ("book", r"\frac{\partial E}{\partial w_i} = \sum_n \frac{\partial E_n}{\partial w_i}", ""),
    ("prml", r"\nabla E = \sum_n \sum_k (y_{nk} - t_{nk}) \nabla y_{nk}", "squared error"), ("prml", r"E = \frac12 \sum_n (y_n - t_n)^2", "one output"),
    ("prml", r"\mathbf H = \sum_n \nabla y_n \nabla y_n^T + \sum_n (y_n - t_n) \nabla\nabla y_n", "one output"), ("prml", r"\mathbf b_n = \nabla y_n", "one output"),
    ("prml", r"\mathbf H = \sum_n \mathbf b_n \mathbf b_n^T + \sum_n (y_n - t_n) \nabla\nabla y_n", "one output"), ("prml", r"\mathbf b_n = \nabla a_n = \nabla y_n", "linear outputs; one output"),
    ("prml", r"\nabla (y_n - t_n)^2 = 2 (y_n - t_n) \nabla y_n", "one output"), ("book", r"\mathbf H - \nabla\nabla E = 0", ""), ("book", r"\nabla E - \nabla E = \mathbf v - \mathbf v", ""),
    ("nielsen", r"\frac{\partial C}{\partial w_k} = \frac1n \sum_x \frac{\partial C_x}{\partial w_k}", ""), ("nielsen", r"\frac{\partial C}{\partial b_k} = \frac1n \sum_{\forall x} \frac{\partial C_x}{\partial b_k}", ""),
    ("prml", r"E(\mathbf w) = \sum_n E_n(\mathbf w)", ""), ("prml", r"E(\mathbf w) = \frac12 \sum_n \|\mathbf y(\mathbf x_n, \mathbf w) - \mathbf t_n\|^2", "squared error"),
    ("nielsen", r"C = \frac12 \|y - a^L\|^2", "squared error"), ("book", r"\|W^{(l)}\|_F^2 = \sum_j \sum_i (w_{ji}^{(l)})^2", ""), ("book", r"|\delta_j^{(l)}|^2 = (\delta_j^{(l)})^2", ""),
    ("prml", r"\delta_j = {\partial E \over \partial a_j} = \sum_k {\partial E \over \partial a_k} {\partial a_k \over \partial a_j}", ""), ("book", r"E^{1 \over 2} E^{1 \over 2} = E", ""),
    ("book", r"a_j^{(l)} = \underbrace{\sum_i w_{ji}^{(l)} z_i^{(l-1)}}_{\text{in}} + \overbrace{b_j^{(l)}}^2, \qquad j = 1, \dots, n_l", ""),
    ("prml", r"z_j = h(a_j), \delta_k = \frac{\partial E}{\partial a_k}", ""), ("prml", r"M_{k k^{\prime}} = M_{k^\prime k}", ""),
]  # fmt: skip

WRONG = [
    ("book", r"\mathbf H = 2 \nabla\nabla E"), ("book", r"\mathbf H = \nabla E"), ("book", r"\mathbf H = \nabla E (\nabla E)^T"), ("book", r"H_{ij} = \frac{\partial E}{\partial w_i} \frac{\partial E}{\partial w_j}"),
    ("book", r"\mathbf{H}\mathbf{v} = \mathbf{v}^T \mathbf{H}"), ("book", r"\mathcal R\{\nabla E\} = \mathbf H"), ("book", r"\mathcal R\{\mathbf w\} = \mathbf w"), ("book", r"\mathbf H = \nabla\nabla E_n \\ E = \sum_n E_n"),
    ("book", r"\nabla E = \sum_k \delta_k^{(L)} a_k^{(L)}"), ("book", r"\nabla E = 0"), ("book", r"\mathbf H = 0"), ("prml", r"\mathbf b_n = \nabla a_n \nabla a_n^T"), ("book", r"\frac{\partial w_i}{\partial w_j} = 1"), ("book", r"\nabla E = \mathbf H \mathbf w"),
    ("book", r"\mathbf H = \sum_k \sum_q M_{kq} \nabla a_k^{(L)} (\nabla a_q^{(L)})^T"), ("book", r"\mathbf H = \sum_k \sum_q M_{kq} \nabla a_k^{(L)} (\nabla a_q^{(L)})^T - \sum_k \delta_k^{(L)} \nabla\nabla a_k^{(L)}"),
    ("book", r"\mathbf H = \frac1N \sum_{n=1}^N \nabla\nabla E_n"), ("prml", r"\mathbf H = \sum_n \mathbf b_n \mathbf b_n^T"), ("prml", r"\mathbf H = \sum_n (y_n - t_n) \nabla\nabla y_n"),
    ("prml", r"\mathbf H = \sum_n \nabla y_n \nabla y_n^T + \sum_n (t_n - y_n) \nabla\nabla y_n"), ("prml", r"E = \sum_n (y_n - t_n)^2"), ("prml", r"E = \frac12 \sum_n (y_n - t_n)"),
    ("prml", r"E = \frac12 \sum_n \sum_{n'} (y_n - t_{n'})^2"), ("prml", r"E(\mathbf w) = E_n(\mathbf w)"), ("nielsen", r"\frac{\partial C}{\partial w_k} = \sum_x \frac{\partial C_x}{\partial w_k}"),
    ("prml", r"E(\mathbf w) = \sum_n \|\mathbf y(\mathbf x_n, \mathbf w) - \mathbf t_n\|^2"), ("nielsen", r"C = \|y - a^L\|^2"), ("book", r"\|W^{(l)}\|^2 = \sum_j (w_{jj}^{(l)})^2"),
    ("book", r"|\delta_j^{(l)}|^2 = \delta_j^{(l)}"), ("prml", r"\delta_j = {\partial E \over \partial a_j} = \sum_k {\partial E \over \partial a_k}"), ("book", r"{E + E \over 2} = 2E"),
    ("book", r"a_j^{(l)} = \underbrace{\sum_i w_{ji}^{(l)} z_i^{(l-1)}}_{\text{in}}"), ("prml", r"z_j = h(a_j), \delta_k = \frac{\partial E}{\partial z_k}"), ("prml", r"z_j = a_j, j = 1, \dots, n_1"),
]  # fmt: skip

NOT_TOLD = [
    ("book", r"\nabla^2 E = \mathbf H", "a square of the gradient"), ("book", r"H_i = 1", "two indices"), ("book", r"\nabla z_j^{(l)} = 0", "not spelled out"), ("prml", r"\mathbf H \simeq \sum_n \mathbf b_n \mathbf b_n^T", "approximation"),
    ("prml", r"\delta_k = y - t", "."), ("prml", r"\delta_{nk} = y_n - t_n", "no letter counts them|different shapes"),
    ("book", r"|\delta_j^{(l)}| = \delta_j^{(l)}", "only the square"), ("book", r"\|\delta^{(l)}\|_1^2 = 1", "only the square"), ("book", r"\underbrace{a_j^{(l)} + b_j^{(l)}} z_j^{(l)} = 1", "brackets or none"),
    ("nielsen", r"\frac{\partial^2 C}{\partial w_i \partial b_j} = 0", "among all weights"), ("book", r"E(a_j^{(l)}) = E", "two things"), ("book", r"E(\mathbf w + \mathbf v) = E", "two things|shape|cannot|."),
    ("book", r"\over E = E", "."), ("book", r"{E \over E \over 2} = 2", "."),
]  # fmt: skip


@pytest.mark.parametrize(("notation", "text", "condition"), HOLDS)
def test_what_is_right_holds(notation, text, condition):
    verdict = check_latex(text, notation=notation)
    assert verdict.holds is True, verdict
    assert condition in verdict.condition
    assert condition or not verdict.condition


@pytest.mark.parametrize(("notation", "text"), WRONG)
def test_what_is_wrong_is_refused(notation, text):
    assert check_latex(text, notation=notation).holds is False


@pytest.mark.parametrize(("notation", "text", "reason"), NOT_TOLD)
def test_what_is_not_said_is_not_guessed(notation, text, reason):
    verdict = check_latex(text, notation=notation)
    assert verdict.holds is not True, verdict
    assert reason == "." or any(word in str(verdict) for word in reason.split("|")), verdict


def test_what_a_hessian_lacks_is_said_for_the_loss_that_is_meant():
    wrong = check_latex(
        r"\mathbf H = \sum_n \nabla y_n \nabla y_n^T + \sum_n (t_n - y_n) \nabla\nabla y_n", notation="prml"
    )
    assert wrong.holds is False
    assert not any("delta" in term for term in wrong.lacks), wrong
    assert (
        check_latex(r"\mathbf H = \sum_k \sum_q M_{kq} \nabla a_k^{(L)} (\nabla a_q^{(L)})^T")
        .slips[0]
        .startswith("term missing")
    )
