"""The contraction against einsum, and the small differences of the array libraries."""

import numpy as np
import pytest

from hesslib._arrays import WRITTEN_OUT, contract, of_one_library, write

SPECS = [
    "ni,ji->nj",
    "nk,kj->nj",
    "nj,ni->ji",
    "nqk,kj->nqj",
    "nqj,ni->nqji",
    "nk,nk->n",
    "nkq,nqj->nkj",
    "nkq,nqj->jnk",
    "vnj,ni->vji",
    "i,j->ji",
    "nij,mij->nm",
    "nij,nij->n",
    "n,nij->ijn",
    "ab,ba->",
    "vni,vji->vnj",
]
SIZE = {letter: 2 + k for k, letter in enumerate("nijkqvmab")}


@pytest.mark.parametrize("spec", SPECS)
def test_contraction_is_that_of_einsum(spec: str) -> None:
    rng = np.random.default_rng(0)
    x, y = (rng.standard_normal([SIZE[i] for i in letters]) for letters in spec.split("->")[0].split(","))
    np.testing.assert_allclose(contract(spec, x, y), np.einsum(spec, x, y), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("size", range(1, WRITTEN_OUT + 2))
@pytest.mark.parametrize("spec", SPECS)
def test_a_short_sum_that_is_written_out_for_jax_is_that_of_einsum(spec: str, size: int) -> None:
    jnp = pytest.importorskip("jax.numpy")
    operands, out = spec.split("->")
    rng, sizes = np.random.default_rng(0), {i: SIZE[i] if i in out else size for i in SIZE}
    x, y = (rng.standard_normal([sizes[i] for i in letters]) for letters in operands.split(","))
    found = contract(spec, jnp.asarray(x), jnp.asarray(y))
    np.testing.assert_allclose(found, np.einsum(spec, x, y), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("nn,nj->j", "repeats a letter in nn"),
        ("ni,nj->nj", "each letter must stand twice at least"),
        ("ni,nj->ijk", "each letter must stand twice at least"),
    ],
)
def test_contraction_that_is_not_one_product_is_refused(spec: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        contract(spec, np.ones((2, 2)), np.ones((2, 2)))


def test_contraction_of_arrays_with_the_wrong_number_of_axes_is_refused() -> None:
    with pytest.raises(ValueError, match="needs 2 and 2 axes; the arrays have 1 and 2"):
        contract("ni,ji->nj", np.ones(2), np.ones((2, 2)))


def test_sizes_that_disagree_are_refused() -> None:
    with pytest.raises(ValueError, match="i is 3 in one array and 4 in the other"):
        contract("ni,ji->nj", np.ones((2, 3)), np.ones((2, 4)))


@pytest.mark.usefixtures("as_installed")
def test_jax_that_would_round_a_float64_is_refused() -> None:
    import jax

    with jax.enable_x64(False), pytest.raises(ValueError, match="x is float64, which JAX has switched off"):
        of_one_library(w=jax.numpy.ones(1), x=np.ones(1))


@pytest.mark.parametrize("library", ["numpy", "jax.numpy", "torch"])
def test_written_sets_a_part(library: str) -> None:
    xp = pytest.importorskip(library)
    result = write(xp.zeros((2, 2)), (0, slice(None)), xp.ones(2))
    np.testing.assert_array_equal(np.asarray(result), [[1, 1], [0, 0]])
