"""Agreement is measured honestly, whatever the arrays, and a check that shows nothing does not pass."""

import math

import numpy as np
import pytest

from hesslib.agreement import Check, compare

EPS = float(np.finfo(np.float64).eps)
SOUND = Check("oracle", EPS, 10 * EPS)
FAILED = Check("JAX reverse mode", 0.25, 1e-12)


def libraries():
    import jax.numpy as jnp
    import torch

    return {"numpy": np.asarray, "jax": jnp.asarray, "torch": torch.as_tensor}


@pytest.mark.parametrize("value_in", ["numpy", "jax", "torch"])
@pytest.mark.parametrize("reference_in", ["numpy", "jax", "torch"])
def test_agreement_is_the_largest_difference_relative_to_the_largest_reference(value_in, reference_in):
    array = libraries()
    value = np.array([[1.0, 2.0], [-3.5, 0.0]], dtype=np.float32)
    reference = np.array([[1.0, 2.0], [-4.0, 0.25]], dtype=np.float32)
    check = compare("oracle", array[value_in](value), array[reference_in](reference), tolerance=0.2)
    assert check.agreement == 0.125
    assert check.passed


def test_lists_of_layers_count_as_one_vector():
    layers = [(np.ones((2, 3)), np.zeros(2)), (np.full((1, 2), 4.0), np.array([1.0]))]
    shifted = [(np.ones((2, 3)), np.zeros(2)), (np.full((1, 2), 4.0), np.array([1.5]))]
    assert compare("oracle", shifted, layers).agreement == 0.125


def test_complex_values_are_compared_by_modulus():
    assert compare("oracle", np.array([3.0 + 4.0j]), np.array([0.0 + 0.0j]), scale=10).agreement == 0.5
    assert compare("oracle", np.array([1j]), np.array([1j])).passed


@pytest.mark.parametrize(
    ("value", "reference", "tolerance"),
    [
        (1.0, 1.0, 1024 * EPS),
        (np.float32(1), 1.0, 1024 * 2.0**-23),
        (1.0, np.float32(1), 1024 * 2.0**-23),
        (1, 1.0, 1024 * EPS),
        (1, 1, 0.0),
        (np.float16(1), np.float16(1), 2.0**-5),
        (np.complex64(1), np.complex128(1), 1024 * 2.0**-23),
        (np.longdouble(1), np.longdouble(1), 1024 * float(np.finfo(np.longdouble).eps)),
    ],
)
def test_default_tolerance_follows_the_coarser_dtype(value, reference, tolerance):
    assert compare("oracle", value, reference).tolerance == tolerance


def test_bfloat16_of_both_libraries_is_understood():
    import jax.numpy as jnp
    import torch

    check = compare("oracle", torch.ones(3, dtype=torch.bfloat16, requires_grad=True), jnp.ones(3, jnp.bfloat16))
    assert check.passed
    assert check.tolerance == math.sqrt(2.0**-7)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_values_that_are_not_finite_never_pass(bad):
    assert not compare("oracle", [1.0, bad], [1.0, 2.0])
    assert not compare("oracle", [1.0, 2.0], [1.0, bad])
    assert not compare("oracle", [1.0, bad], [1.0, bad])


def test_a_zero_reference_passes_only_exact_zeros_unless_a_scale_is_given():
    assert not compare("oracle", [1e-17], [0.0])
    assert compare("oracle", [0.0], [0.0])
    assert compare("oracle", [1e-17], [0.0], scale=1.0)
    assert not compare("oracle", [1e-3], [0.0], scale=1.0)


def test_the_difference_of_huge_values_fails_without_a_warning():
    assert not compare("oracle", 1e308, -1e308)


@pytest.mark.parametrize(
    ("value", "reference", "message"),
    [
        (np.ones((3, 1)), np.ones(3), r"value has shape \(3, 1\), reference has \(3,\)"),
        (np.ones(3), 1.0, r"value has shape \(3,\), reference has \(\)"),
        ([np.ones(2), np.ones(3)], [np.ones(2), np.ones(2)], r"value\[1\] has shape \(3,\)"),
        ([np.ones(2)], [np.ones(2), np.ones(2)], "value has 1 parts, reference has 2"),
        ([np.ones(2)], np.ones((1, 2)), "one is a list of arrays, the other a single array"),
        ([], [], "nothing to compare"),
        ([[1, 2], [3]], 1.0, "value is a ragged list"),
        ("1.0", 1.0, "value holds str"),
        (np.array([object()]), np.ones(1), "value holds object"),
    ],
)
def test_what_cannot_be_compared_is_refused(value, reference, message):
    with pytest.raises((ValueError, TypeError), match=message):
        compare("oracle", value, reference)


@pytest.mark.parametrize("tolerance", [1.0, 5.0, math.nan])
def test_a_tolerance_that_zero_would_pass_is_refused(tolerance):
    with pytest.raises(ValueError, match="must be below 1"):
        compare("oracle", 0.0, 7.0, tolerance=tolerance)


@pytest.mark.parametrize("scale", [0.0, -1.0, math.inf, math.nan])
def test_a_scale_that_is_not_positive_is_refused(scale):
    with pytest.raises(ValueError, match="scale is"):
        compare("oracle", 0.0, 7.0, scale=scale)


@pytest.mark.parametrize(
    "arguments", [("", 0, 0), (" ", 0, 0), ("o", -1, 0), ("o", 0, -1), ("o", 0, math.inf), ("o", 0, math.nan)]
)
def test_a_check_that_means_nothing_is_refused(arguments):
    with pytest.raises(ValueError, match="must"):
        Check(*arguments)


def test_a_check_is_true_only_if_it_passed():
    assert SOUND
    assert not FAILED
    assert not Check("oracle", math.nan, 1.0)
    assert Check("normal form", 0, 0)
