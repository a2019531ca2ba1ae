r"""An adversary of the reader: scripts, brackets, relations and signs with which a false formula might be called right.

Nothing false holds; nothing true does not; and what LaTeX leaves open is answered with "cannot tell".
"""

# ruff: noqa: E501

import pytest

from hesslib.derivations import check_latex

pytestmark = pytest.mark.usefixtures("no_slips")

FALSE = [
    # relations that are no equality
    ("book", r"E \neq E"), ("book", r"2 < 1 = 2"), ("book", r"E \le 2 E = E"), ("book", r"E = E < E"), ("book", r"E = E \neq E"),
    # one sign for an argument without braces
    ("book", r"\frac E E 12 = 2"), ("book", r"E^23 = E^{23}"), ("book", r"2^10 E = 1024 E"),
    ("book", r"\frac12 3 E = \frac{E}{23}"),
    # scripts of functions
    ("book", r"\sin^{-1}(E) = \frac{1}{\sin(E)}"), ("book", r"\cos^{-1} E = 1/\cos E"), ("book", r"\log_2(E) = \log(E)"),
    ("book", r"\ln_{10}(E) = \ln(E)"), ("book", r"\sin'(E) = \sin(E)"), ("book", r"h^{(2)}(a_j^{(l)}) = h(a_j^{(l)})^2"),
    ("book", r"h''(a_j^{(l)}) = h'(a_j^{(l)})^2"), ("book", r"h^{\prime 2}(a_j^{(l)}) = h''(a_j^{(l)})"),
    ("book", r"h(a_j^{(l)}) + 1 = h(a_j^{(l)} + 1)"), ("book", r"\exp E + 1 = \exp(E+1)"), ("book", r"\ln(E + E) = \ln E + \ln E"),
    # brackets in superscripts
    ("book", r"w^{(l)+1}_{ji} = w^{(l+1)}_{ji}"), ("book", r"w^{(l)+1}_{ji} = w^{(l)}_{ji}"), ("book", r"z^{(l)2}_j = z_j^{(2l)}"), ("book", r"z^{(2l)}_j = z^{(l)2}_j"),
    ("book", r"z^{(l)(2)}_j = z^{(2l)}_j"), ("book", r"z^{(l)3}_j = z_j^{(l)} z_j^{(l)}"), ("book", r"E^{1/2+1} = E^{2}"),
    ("book", r"E^{-(1-2)} = E^{-3}"), ("book", r"E^{1/(2+2)} = E^{5/2}"), ("book", r"E^{2(3)} = E^5"), ("book", r"E^{1/2/2} = E"),
    ("nielsen", r"a^{l}+1 = a^{l+1}"), ("nielsen", r"a^{(l)2}_j = a^{2l}_j"), ("nielsen", r"a^2_j = a^1_j a^1_j"),
    # scripts of the sign of a derivative
    ("book", r"\frac{\partial E}{\partial^7 a_j^{(l)}} = \delta_j^{(l)}"), ("book", r"\frac{\partial_k E}{\partial a_j^{(l)}} = \delta_j^{(l)}"),
    ("book", r"\frac{\partial E}{\partial_k a_j^{(l)}} = \delta_j^{(l)}"), ("book", r"\frac{\partial' E}{\partial a_j^{(l)}} = \delta_j^{(l)}"),
    # letters and numbers
    ("book", r"E_1 = E_2"), ("book", r"E_n = E_m"), ("book", r"\mathbf{1} \delta_j^{(l)} = 2\delta_j^{(l)}"), ("book", r"1^T E = E"),
    ("book", r"\pi = 22/7"), ("book", r"\hat{E} = E"), ("book", r"\mathrm{E} = E^2"), ("book", r"0 = 1"), ("book", r"E/0 = E/0"),
    ("book", r"\frac{0}{0} = 1"), ("book", r"\frac{E}{E-E} = 1"), ("book", r"0 \cdot \frac{1}{0} = 0"), ("book", r"2^{-1} E = 2E"),
    ("book", r"-z_j^{(l)2} = (-z_j^{(l)})^2"), ("book", r"\delta_j^{(l)} / 2 \cdot 2 = \delta_j^{(l)} / 4"),
    ("book", r"E \mod 2 = E"), ("book", r"\|E\| = E"), ("book", r"\underline{2} \delta_j^{(l)} = \delta_j^{(l)}"),
    # layers that are not there
    ("book", r"z_j^{(0)} = h(a_j^{(0)})"), ("book", r"a_j^{(0)} = \sum_i w_{ji}^{(0)} z_i^{(-1)} + b_j^{(0)}"),
    ("book", r"\delta_j^{(L)} = h'(a_j^{(L)}) \sum_k w_{kj}^{(L+1)} \delta_k^{(L+1)}"), ("book", r"\frac{\partial a_k^{(m)}}{\partial a_j^{(l)}} = 0"),
    # the scope and the range of a sum
    ("book", r"\delta_j^{(l)} = h'(a_j^{(l)}) \sum_j w_{jj}^{(l+1)} \delta_j^{(l+1)}"), ("book", r"\delta_j^{(l)} = \sum_k w_{kj}^{(l+1)} \delta_k^{(l+1)} h'(a_k^{(l)})"),
    ("book", r"\delta_j^{(l)} = \sum_k (w_{kj}^{(l+1)}) \delta_k^{(l+1)} + h'(a_j^{(l)})"), ("book", r"\sum_k \delta_k^{(l)} \sum_k z_k^{(l)} = \sum_k \delta_k^{(l)} z_k^{(l)}"),
    ("book", r"\sum_{k} \delta_k^{(l)} + z_j^{(l)} = \sum_k (\delta_k^{(l)} + z_j^{(l)})"), ("book", r"\sum_{k=1}^{2} w_{kj}^{(l+1)} \delta_k^{(l+1)} h'(a_j^{(l)}) = \delta_j^{(l)}"),
    ("book", r"\sum_{k=1}^{n_l} w_{kj}^{(l+1)} \delta_k^{(l+1)} h'(a_j^{(l)}) = \delta_j^{(l)}"), ("book", r"\sum_{j=1}^{n_l} 1 = n_{l-1}"),
    # matrices
    ("book", r"z^{(l)}\delta^{(l)T} = \delta^{(l)} z^{(l)T}"), ("book", r"\frac{\partial E}{\partial W^{(l)}} = z^{(l-1)} \delta^{(l)T}"),
    ("book", r"\delta^{(l)} = W^{(l+1)T}(\delta^{(l+1)} \odot h'(a^{(l+1)}))"), ("book", r"\delta^{(l)} = W^{(l+1)T} \mathrm{diag}(h'(a^{(l+1)})) \delta^{(l+1)}"),
    ("book", r"(W^{(l+1)}W^{(l)})^T = W^{(l+1)T} W^{(l)T}"), ("book", r"z^{(l)T} z^{(l)} = z^{(l)} \odot z^{(l)}"), ("book", r"(W^{(l)T})_{ij} = w^{(l)}_{ij}"),
    ("homework", r"[w^l]_{ij} = w^l_{ji}"), ("homework", r"z^l = W^l a^{l-1} + b^l"), ("homework", r"\Delta^l = f'(z^l) \odot ((W^{l+1})^T \Delta^{l+1})"),
    ("homework", r"\frac{\partial C}{\partial W^l} = \Delta^l (a^{l-1})^T"),
    # rows and cells
    ("book", r"E = 3E \\ - E"), ("book", r"E = 3E \\ -2E = 0"), ("book", r"z_j^{(l)} = h(a_j^{(l)}) \\ a_j^{(l)} = z_j^{(l)}"),
    ("book", r"z_j^{(l)} = h(a_j^{(l)}) \qquad a_j^{(l)} = z_j^{(l)}"), ("book", r"E = E \hspace{1cm} 2"), ("book", r"E = E \textcolor{red}{2}"),
    # slips that the notations invite
    ("nielsen", r"\delta^l = (w^{l+1})^T (\delta^{l+1} \odot \sigma'(z^l))"), ("nielsen", r"\frac{\partial C}{\partial w^l_{jk}} = a^{l-1}_j \delta^l_k"),
    ("homework", r"\Delta_j^L = (y_j - a_j^L) f'(z_j^L)"), ("homework", r"\Delta_i^l = f'(z_i^l) \sum_j w_{ji}^{l+1} \Delta_j^{l+1}"),
    ("homework", r"e^{C} e^{C} = e^{C^2}"), ("prml", r"\frac{\partial E}{\partial w_{kj}^{(2)}} = \delta_k x_j"), ("prml", r"\delta_k = t_k - y_k"),
    ("prml", r"M_{kk'} = M_{kk}"), ("prml", r"y_k = \sum_j w_{jk} z_j"), ("mackay", r"a_j^{(1)} = \sum_l w_{lj}^{(1)} x_l + \theta_j^{(1)}"),
    ("book", r"\Rop{w_{ji}^{(l)}} = v_{ij}^{(l)}"), ("book", r"\Rop{h(a_j^{(l)})} = h(\Rop{a_j^{(l)}})"),
]  # fmt: skip

MORE_FALSE = [
    ("book", r"\mathcal R_x\{\nabla E\} = \mathbf H \mathbf v"), ("book", r"\mathcal R^2\{a_j^{(l)}\} = \mathcal R\{a_j^{(l)}\}"),
    ("prml", r"\mathcal R\{\nabla E\}_1 = \mathbf H \mathbf v"), ("book", r"\mathcal R\{a_j^{(l)}\}^2 = \mathcal R\{a_j^{(l)}\}"),
    ("book", r"E = \sum_n' E_n"), ("book", r"E = E_1 + \dots' + E_N"), ("book", r"E = E_1 + \dots_1 + E_N"), ("book", r"\frac{E}{[1 \le k]} = E"),
    ("book",r"E = E_n"),("book",r"E_n = E \\ E = \sum_n E_n"),("book",r"\sum_n E_n = N E_n"),("book",r"\sum_n E_n = N E"),
    ("book",r"\frac{\partial E_n}{\partial E} = 1"),("book",r"\frac{\partial E}{\partial z_{ni}^{(0)}} = \sum_n \sum_k w_{ki}^{(1)} \delta_{nk}^{(1)}"),
    ("book",r"\sum_n E_n \sum_n E_n = \sum_n E_n^2"),("book",r"\sum_n (E_n + 1) = E + 1"),("book",r"\sum_{n=1}^N 1 = 1 \\ E = \sum_n E_n"),
    ("book",r"\sum_n \delta_{nj}^{(l)} z_{ni}^{(l)} = \sum_n \delta_{nj}^{(l)} \sum_n z_{ni}^{(l)}"),
    ("book",r"\frac{\partial a_{nj}^{(l)}}{\partial a_{n'j}^{(l)}} = 1"),("book",r"\frac{\partial E_n}{\partial w_{ji}^{(l)}} = \delta_{n'j}^{(l)} z_{n'i}^{(l-1)}"),
    ("prml",r"\frac{\partial E}{\partial w_{ji}} = \delta_j z_i, E = \sum_n E_n"),
    ("prml",r"\frac{\partial E}{\partial w_{ji}} = \delta_{nj} z_{ni}"),("prml",r"\delta_{nj} = \sum_n h'(a_{nj}) \sum_k w_{kj} \delta_{nk}"),
    ("prml",r"y_n = t_n"),("prml",r"E = \frac12 (y_n - t_n)^2"),("prml",r"E = \frac12 \sum_n (y_n - t_n)^2 = \frac12 \sum_n \sum_k (y_{nk} - t_{nk})"),
    ("prml",r"\nabla E = \sum_n y_n \nabla y_n"),("prml",r"\nabla E = \nabla E_n"),("prml",r"\mathbf H = \nabla\nabla E_n"),("prml",r"\mathbf H = N \nabla\nabla E_n"),
    ("prml",r"\mathbf b_n = \mathbf b_{n'}"),("prml",r"\mathbf b_n^T \mathbf b_n = 1"),("prml",r"\mathbf H \mathbf b_n = \mathbf b_n"),
    ("book",r"\mathbf v^T \mathbf w = 1"),("book",r"\mathcal R\{\mathbf v\} = \mathbf v"),("book",r"\mathcal R\{\mathbf H\} = 0"),("book",r"w_i = w_j"),("book",r"w_1 = w_2"),("book",r"\frac{\partial E}{\partial w_i} = \frac{\partial E}{\partial w_j}"),
    ("book",r"\frac{\partial w_{ji}^{(l)}}{\partial w_k} = 0"),("book",r"\frac{\partial b_j^{(l)}}{\partial w_k} = 0"),("book",r"\frac{\partial z_j^{(l)}}{\partial w_i} = 0"),("book",r"\nabla b_j^{(l)} = 0"),
    ("book",r"\frac{\partial t_k}{\partial w_i} = 1"),("book",r"\|\delta^{(l)} + z^{(l)}\|^2 = \|\delta^{(l)}\|^2 + \|z^{(l)}\|^2"),("book",r"|E|^2 = E"),("book",r"|E + E|^2 = 2E^2"),
    ("book",r"{E + E \over E} = 1"),("book",r"E {1 \over 2} = 2E"),("book",r"{\partial E \over \partial a_j^{(l)}} = \delta_j^{(l)} + E"),
    ("book",r"E(\mathbf w) E(\mathbf w) = E"),("book",r"\delta_j^{(l)}(\mathbf w) = z_j^{(l)}"),("book",r"E(\mathbf w, \mathbf x) = 2 E"),
    ("nielsen",r"y(x) = a^L(x)"),("nielsen",r"C_x = C"),("nielsen",r"\frac1n\sum_x C = 2 C"),("nielsen",r"C = \frac1n \sum_x n C_x"),("nielsen",r"\sum_x y(x) = y(x)"),
    ("nielsen",r"\delta^L = (a^L - y) \odot \sigma(z^L)"),("nielsen",r"\delta_j^L = (a_j^L - y_j) (1 - a_j^L)"),("nielsen",r"\frac{\partial C}{\partial a_j^L} = a_j^L(1-a_j^L)"),
    ("nielsen",r"\sigma(z) = \sigma(w)"),("nielsen",r"z = \sigma(z)"),("nielsen",r"\sigma'(z) = 0"),("nielsen",r"e^z = 1 + z"),
    ("prml",r"h(a) = \frac{1}{1+e^{-2a}}"),("prml",r"z_j = \tanh(2a_j)"),("prml",r"y_k = \tanh(a_k) = a_k"),("prml",r"z_j = \tanh(a_j) = \frac{1}{1+e^{-a_j}}"),
    ("prml",r"\delta_j = z_j(1-z_j)\sum_k w_{kj}\delta_k \\ \delta_j = (1 - z_j^2) \sum_k w_{kj}\delta_k"),
    ("book",r"\sum_k \delta_k^{(l)} = \delta_1^{(l)} + \dots + \delta_{n_{l+1}}^{(l)}"),("book",r"n_l = 1 + \dots + n_l"),("book",r"E = E + \dots + E"),
    ("book",r"a_j^{(l)} = z_j^{(l)}, j = 1, \dots, n_l"),("book",r"E^{\frac12} = E"),("book",r"[j \le n_l] z_j^{(l)} = 2 z_j^{(l)}"),
]  # fmt: skip
"""Of patterns, of the vector of all weights, of functions that are written out, of norms and dots."""

TRUE = [
    ("book", r"\frac E E 12 = 12"), ("book", r"\frac 12 E = E/2"), ("book", r"\frac12 3 E = \frac32 E"), ("book", r"E^23 = 3 E^2"),
    ("book", r"z^{(l)2}_j = z_j^{(l)} z_j^{(l)}"), ("book", r"(z_j^{(l)})^2 = z_j^{(l)} z_j^{(l)}"), ("book", r"z^{(l+1)}_j = z^{(1+l)}_j"),
    ("book", r"z^{(2l-l)}_j = z^{(l)}_j"), ("book", r"z^{((l))}_j = z^{(l)}_j"), ("book", r"E^{-(1-2)} = E"), ("book", r"E^{1/2} E^{1/2} = E"),
    ("book", r"h^{\prime}(a_j^{(l)}) = h'(a_j^{(l)})"), ("book", r"h'(a_j^{(l)})^2 = h'^2(a_j^{(l)})"), ("book", r"h^{(2)}(a_j^{(l)}) = h''(a_j^{(l)})"),
    ("book", r"\exp(\ln E) = E"), ("book", r"\delta_j^{(l)} / 2 \cdot 2 = \delta_j^{(l)}"), ("book", r"(l+1) E - E = l E"),
    ("book", r"\delta_j^{(l)} = (\sum_k w_{kj}^{(l+1)} \delta_k^{(l+1)}) h'(a_j^{(l)})"), ("book", r"\sum_{k,q} \delta_k^{(l)} z_q^{(l)} = (\sum_k \delta_k^{(l)}) (\sum_q z_q^{(l)})"),
    ("book", r"\sum_k \delta_k^{(l)} \sum_k z_k^{(l)} = \sum_k \sum_q \delta_k^{(l)} z_q^{(l)}"), ("book", r"\sum_{j=1}^{n_l} 1 = n_l"),
    ("book", r"\sum_k I_{jk} \delta_k^{(l)} = \delta_j^{(l)}"), ("book", r"w^{(l)T}_{ij} = w^{(l)}_{ji}"), ("book", r"(W^{(l)T})_{ij} = w^{(l)}_{ji}"),
    ("book", r"(W^{(l+1)}W^{(l)})^T = W^{(l)T} W^{(l+1)T}"), ("book", r"\delta^{(l)T} = (\delta^{(l+1)T} W^{(l+1)}) \odot h'(a^{(l)})^T"),
    ("book", r"\mathrm{tr}(W^{(l)T} W^{(l)}) = \mathrm{tr}(W^{(l)} W^{(l)T})"), ("book", r"\frac{\partial a_k^{(l)}}{\partial a_j^{(l+1)}} = 0"),
    ("book", r"\frac{\partial w_{ji}^{(l)}}{\partial w_{kq}^{(l)}} = I_{jk} I_{iq}"), ("book", r"\Biggl( \delta_j^{(l)} \Biggr) = \big[ \delta_j^{(l)} \big]"),
    ("book", r"\left[ h'(a_j^{(l)}) \right] \bigl\{ \sum_k w_{kj}^{(l+1)} \delta_k^{(l+1)} \bigr\} = \delta_j^{(l)}"), ("book", r"E = 3E \\ - 2E"), ("book", r"E = E % = 2E"),
    ("homework", r"[w^l]_{ij} = w^l_{ij}"), ("homework", r"[w^{lT}]_{ij} = w^l_{ji}"), ("homework", r"z^l = (W^l)^T a^{l-1} + b^l"),
    ("homework", r"\Delta^l = f'(z^l) \odot (W^{l+1} \Delta^{l+1})"), ("homework", r"\frac{\partial C}{\partial W^l} = a^{l-1} (\Delta^l)^T"),
    ("homework", r"\frac{\partial^2 C}{\partial a_j^L \partial a_k^L} = \delta_{jk}"), ("homework", r"e^{C} e^{C} = e^{2C}"),
    ("nielsen", r"\frac{\partial C}{\partial w^l} = \delta^l (a^{l-1})^T"), ("prml", r"\frac{\partial E}{\partial w_{ji}^{(1)}} = \delta_j x_i"),
    ("prml", r"M_{kk'} = M_{k'k}"), ("mackay", r"a_i^{(2)} = \sum_j w_{ij}^{(2)} h_j + \theta_i^{(2)}"),
]  # fmt: skip

OPEN = [
    ("book", r"\delta_j^{(l)} = \begin{cases} \delta_j^{(l)} & \text{if } l<L \\ 2\delta_j^{(l)} - \delta_j^{(l)} & \text{else} \end{cases}", "cases"),
    ("book", r"\delta_j^{(L)} = \left\{ \begin{cases} \delta_j^{(L)} \\ \delta_j^{(L)} \end{cases} \right.", "cases"),
    ("book", "E\N{SUPERSCRIPT TWO} = E^2", "no sign"), ("book", "E^\N{SUPERSCRIPT TWO} = E^2", "no sign"),
    ("book", "E^\N{ARABIC-INDIC DIGIT TWO} = E^2", "no sign"), ("book", "\\delta_\N{CYRILLIC SMALL LETTER JE}^{(l)} = \\delta_j^{(l)}", "no sign"),
    ("book", "\N{CYRILLIC CAPITAL LETTER IE} = E", "no sign"), ("book", "E \N{MINUS SIGN} E = 0", "no sign"),
    ("book", r"\sum_{k=1}^{K} w_{kj}^{(l+1)} \delta_k^{(l+1)} h'(a_j^{(l)}) = \delta_j^{(l)}", "how large K is"),
    ("prml", r"\delta_j = h'(a_j)\sum_{k=1}^Q w_{kj}\delta_k", "how large Q is"),
    ("book", r"h^{-1}(z_j^{(l)}) = a_j^{(l)}", "could be two things"), ("book", r"\mathbf{1}^T \delta^{(l)} = \sum_k \delta_k^{(l)}", "could be a number"),
    ("book", r"\log_2(E) = \log(E)", "index or a prime"), ("book", r"l < L = L", "not decided"), ("book", r"E/0 = 1", "zero"),
    ("book", r"E^{1/(2-2)} = 1", "division by zero"), ("book", r"E^{(1} = 1", "not closed|closes"), ("book", r"E^{2/} = 1", "slash"),
]  # fmt: skip


@pytest.mark.parametrize(("notation", "text"), FALSE + MORE_FALSE)
def test_nothing_false_is_called_right(notation, text):
    assert check_latex(text, notation=notation).holds is not True


@pytest.mark.parametrize(("notation", "text"), TRUE)
def test_nothing_true_is_called_wrong(notation, text):
    assert check_latex(text, notation=notation).holds is True


@pytest.mark.parametrize(("notation", "text", "reason"), OPEN)
def test_what_the_text_leaves_open_is_not_decided(notation, text, reason):
    verdict = check_latex(text, notation=notation)
    assert verdict.holds is None, verdict
    assert any(word in verdict.reason for word in reason.split("|")), verdict.reason


def test_the_negation_of_what_holds_is_wrong_and_says_why():
    verdict = check_latex(r"z_j^{(l)} \neq h(a_j^{(l)})")
    assert verdict.holds is False
    assert "equal" in verdict.reason
