"""Wave function, Hamiltonians, moments: against Kronecker products, sums over hidden units, and JAX."""

import numpy as np
import pytest
import spin_oracles as oracle

from hesslib.reconfiguration import (
    Configurations,
    ExactSums,
    Heisenberg,
    RestrictedBoltzmann,
    TransverseFieldIsing,
    ground_state,
    heisenberg_energy,
    ising_energy,
    local_energies,
    log_2cosh,
    log_derivatives,
    log_psi,
    matrix,
    moments,
    probabilities,
    sum_log_2cosh,
)

EPS = np.finfo(float).eps
MACHINES = [
    pytest.param(RestrictedBoltzmann(4, density, symmetric=symmetric), dtype, id=f"{density} {symmetric} {dtype}")
    for density in (1, 2)
    for symmetric in (True, False)
    for dtype in ("float64", "complex128")
]
CHAINS = [
    pytest.param(TransverseFieldIsing(5, 0.7), oracle.ising(5, 0.7), id="Ising 5"),
    pytest.param(Heisenberg(4, marshall=False), oracle.heisenberg(4, False), id="Heisenberg 4"),
    pytest.param(Heisenberg(6), oracle.heisenberg(6, True), id="Heisenberg 6, Marshall"),
]


def kept(hamiltonian):
    """Which rows of the full matrix belong to the sector."""
    states = oracle.all_states(hamiltonian.N)
    m = hamiltonian.magnetization
    return np.flatnonzero(np.ones(len(states)) if m is None else states.sum(axis=1) == m)


# --- log 2 cosh


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_log_2cosh_is_the_logarithm_where_that_does_not_overflow(dtype):
    x = np.linspace(-5, 5, 101).astype(dtype)
    if x.dtype.kind == "c":
        x = x + 1j * np.linspace(-3, 3, 101).astype(x.real.dtype)
    value = log_2cosh(x)
    assert value.dtype == x.dtype
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(np.exp(value), 2 * np.cosh(x), rtol=64 * eps, atol=64 * eps)


def test_log_2cosh_does_not_overflow():
    with np.errstate(all="raise", under="ignore"):
        np.testing.assert_array_equal(log_2cosh(np.array([1e307, -1e307, 800.0])), [1e307, 1e307, 800.0])
        z = log_2cosh(np.array([-900 - 2j]))
        assert z.real == 900
        assert abs(z.imag - 2) < 4 * EPS
        assert sum_log_2cosh(np.full((2, 350), -1000.0)).tolist() == [350000.0, 350000.0]


@pytest.mark.parametrize("M", [1, 99, 100, 101, 350])
def test_the_sum_of_log_2cosh_takes_one_logarithm_for_many_terms(M):
    x = np.random.default_rng(M).standard_normal((3, M)) * 3
    np.testing.assert_allclose(sum_log_2cosh(x), log_2cosh(x).sum(axis=1), rtol=M * 4 * EPS)
    z = x + 0.3j
    np.testing.assert_allclose(np.exp(sum_log_2cosh(z) - log_2cosh(z).sum(axis=1)), 1, rtol=M * 16 * EPS)


# --- the wave function


@pytest.mark.parametrize(("machine", "dtype"), MACHINES)
def test_psi_is_the_sum_over_hidden_units(machine, dtype):
    w = machine.init(3, scale=0.4, dtype=dtype)
    states = oracle.all_states(4)
    expected = [oracle.amplitude(*oracle.parameters_of(machine, w), state) for state in states]
    value = log_psi(machine, w, states)
    assert value.dtype == w.dtype
    np.testing.assert_allclose(np.exp(value), expected, rtol=1024 * EPS)


@pytest.mark.parametrize(("machine", "dtype"), MACHINES)
def test_log_derivatives_are_those_of_jax(machine, dtype):
    import jax

    w = machine.init(3, scale=0.4, dtype=dtype)
    states = oracle.all_states(4)
    holomorphic = dtype == "complex128"
    J = jax.jacrev(lambda w: log_psi(machine, w, states), holomorphic=holomorphic)(w)
    O = log_derivatives(machine, w, states)
    assert O.shape == (16, machine.num_parameters)
    np.testing.assert_allclose(O, J, atol=256 * EPS)


def test_a_symmetric_machine_does_not_see_translations_and_another_one_does():
    states = oracle.all_states(5)
    for symmetric in (True, False):
        machine = RestrictedBoltzmann(5, 2, symmetric=symmetric)
        w = machine.init(0, scale=0.5)
        change = np.abs(log_psi(machine, w, states) - log_psi(machine, w, np.roll(states, 2, axis=1))).max()
        assert bool(change < 256 * EPS) is symmetric


def test_jax_and_pytorch_give_what_numpy_gives():
    import jax

    torch = pytest.importorskip("torch")
    machine = RestrictedBoltzmann(4, 2)
    states, p = oracle.all_states(4), np.full(16, 1 / 16)
    for dtype in ("float64", "complex128"):
        w = machine.init(1, dtype=dtype)

        def run(w, states, p):
            O, psi = log_derivatives(machine, w, states), log_psi(machine, w, states)
            E = local_energies(psi, psi[:, None] + 0 * O[:, :3], p[:, None] + 0 * p[:3])
            return [probabilities(psi, p), E, *moments(p, O, E)]

        expected = run(w, states, p)
        assert expected[2].dtype == expected[3].dtype == np.dtype("float64")  # energy and variance are real
        for one, other in zip(expected, jax.jit(run)(w, states, p), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-13)
        tensors = run(torch.from_numpy(w), torch.from_numpy(states), torch.from_numpy(p))
        for one, other in zip(expected, tensors, strict=True):
            np.testing.assert_allclose(one, other.numpy(), rtol=1e-12, atol=1e-13)


def test_single_precision_stays_single():
    machine = RestrictedBoltzmann(6, 2)
    w = machine.init(0, dtype="float32")
    assert log_psi(machine, w, oracle.all_states(6)).dtype == np.float32
    assert ExactSums(machine, Heisenberg(6))(w).moments.S.dtype == np.float32


# --- Hamiltonians and their ground states


@pytest.mark.parametrize(("hamiltonian", "H"), CHAINS)
def test_the_matrix_is_that_of_the_kronecker_products(hamiltonian, H):
    configurations = Configurations(hamiltonian.N, magnetization=hamiltonian.magnetization)
    keep = kept(hamiltonian)
    order = configurations.positions(oracle.all_states(hamiltonian.N)[keep])
    found = matrix(hamiltonian, configurations).toarray()
    np.testing.assert_array_equal(found[np.ix_(order, order)], H[np.ix_(keep, keep)])


@pytest.mark.parametrize(("hamiltonian", "H"), CHAINS)
def test_the_ground_energy_is_that_of_the_full_matrix_and_translations_keep_it_if_psi_is_positive(hamiltonian, H):
    lowest = np.linalg.eigvalsh(H)[0]
    found = [
        ground_state(hamiltonian, Configurations(hamiltonian.N, hamiltonian.magnetization, translations))
        for translations in (False, True)
    ]
    for state in found:
        assert abs(state.energy - lowest) < 64 * EPS * abs(lowest)
    if hamiltonian != Heisenberg(4, marshall=False):
        assert (found[0].vector > 0).all()  # Perron and Frobenius


def test_with_plain_signs_the_ground_state_of_ten_spins_has_momentum_pi():
    H = Heisenberg(10, marshall=False)
    everywhere, at_zero = (ground_state(H, Configurations(10, 0, t)).energy for t in (False, True))
    assert abs(everywhere - heisenberg_energy(10)) < 1e-12
    assert abs((at_zero - everywhere) / abs(everywhere) - 9.3731e-2) < 1e-6


@pytest.mark.parametrize("N", [4, 6, 8, 10, 12])
def test_the_closed_forms_are_the_lowest_eigenvalues(N):
    lowest = ground_state(Heisenberg(N), Configurations(N, 0, translations=True)).energy
    assert abs(heisenberg_energy(N) - lowest) < 1e-13 * abs(lowest)
    for field in (0.0, 0.5, 1.0, 2.0):
        lowest = ground_state(TransverseFieldIsing(N, field), Configurations(N, translations=True)).energy
        assert abs(ising_energy(N, field) - lowest) < 1e-13 * abs(lowest)


def test_the_energy_of_long_chains_is_that_of_hulthen():
    assert abs(heisenberg_energy(40) - -70.98609115) < 5e-9
    assert abs(heisenberg_energy(1000) / 1000 - (1 - 4 * np.log(2))) < 1e-5


def test_configurations_count_every_state_once():
    for N, magnetization, count in ((6, None, 64), (6, 0, 20), (5, 1, 10)):
        plain = Configurations(N, magnetization)
        few = Configurations(N, magnetization, translations=True)
        assert len(plain.states) == few.multiplicity.sum() == count
        assert len(np.unique(plain.states, axis=0)) == count
        np.testing.assert_array_equal(plain.positions(plain.states), np.arange(count))
        np.testing.assert_array_equal(few.positions(np.roll(few.states, 2, axis=1)), np.arange(len(few.states)))
        with pytest.raises(ValueError, match="read-only"):
            plain.states[0, 0] = 1


# --- energy, metric and force


@pytest.mark.parametrize(("hamiltonian", "H"), CHAINS)
@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_exact_sums_give_the_energy_of_the_full_matrix_and_its_slopes(hamiltonian, H, symmetric, dtype):
    machine = RestrictedBoltzmann(hamiltonian.N, 1, symmetric=symmetric)
    w = machine.init(5, scale=0.3, dtype=dtype)
    sums = ExactSums(machine, hamiltonian)
    found = sums(w).moments
    keep = kept(hamiltonian)
    E = oracle.energy(machine, H, w, keep)
    assert abs(found.energy - E) < 1024 * EPS * abs(E)
    step = 1e-5
    for k in (0, 1, machine.num_parameters - 1):
        for direction, part in ((1.0, np.real), (1j, np.imag)) if dtype == "complex128" else ((1.0, np.real),):
            unit = direction * np.eye(len(w), dtype=dtype)[k]
            ahead, behind = (oracle.energy(machine, H, w + sign * step * unit, keep) for sign in (1, -1))
            slope = (ahead - behind) / (2 * step)
            assert abs(2 * part(found.F[k]) - slope) < 1e-6  # of the differences
    np.testing.assert_array_equal(found.S, found.S.conj().T)
    assert np.linalg.eigvalsh(found.S)[0] > -64 * EPS * np.trace(found.S).real
    assert found.variance > 0
    assert sums.ground_energy() <= found.energy


def test_the_metric_is_the_covariance_of_the_log_derivatives():
    machine = RestrictedBoltzmann(4, 1, symmetric=False)
    w = machine.init(2, scale=0.3, dtype="complex128")
    states = Configurations(4, 0).states
    psi = np.exp(log_psi(machine, w, states))
    p = abs(psi) ** 2 / (abs(psi) ** 2).sum()
    O = log_derivatives(machine, w, states)
    mean = p @ O
    expected = sum(p_n * np.outer(row.conj(), row) for p_n, row in zip(p, O, strict=True)) - np.outer(mean.conj(), mean)
    np.testing.assert_allclose(ExactSums(machine, Heisenberg(4))(w).moments.S, expected, atol=64 * EPS)


def test_an_eigenstate_has_no_variance():
    """Without a field the ferromagnet is the ground state; visible biases alone make it."""
    machine = RestrictedBoltzmann(5, 1)
    w = np.zeros(machine.num_parameters)
    w[0] = 30.0
    found = ExactSums(machine, TransverseFieldIsing(5, 0.0))(w).moments
    assert found.energy == -5.0
    assert found.variance < 1e-20


# --- what is refused


MACHINE = RestrictedBoltzmann(4, 1)
W0, STATES = MACHINE.init(0), oracle.all_states(4)


@pytest.mark.usefixtures("as_installed")
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: RestrictedBoltzmann(1, 1), "N is 1; it must be at least 2"),
        (lambda: RestrictedBoltzmann(4, 0), "density is 0; it must be at least 1"),
        (lambda: RestrictedBoltzmann(4, 1.5), "density is 1.5; it must be an integer"),
        (lambda: log_psi(MACHINE, W0[:-1], STATES), r"w has shape \(5,\); it must be \(6,\)"),
        (lambda: log_psi(MACHINE, W0.astype(int), STATES), "w has dtype int64; it must be real or complex floating"),
        (lambda: log_psi(MACHINE, W0, STATES[0]), r"states has shape \(4,\); it must be \(n, 4\)"),
        (lambda: log_psi(MACHINE, W0, STATES[:, :3]), "states has 3 columns; the machine has 4 spins"),
        (lambda: log_psi(MACHINE, W0, (STATES + 1) // 2), "neither 1 nor -1"),
        (lambda: TransverseFieldIsing(2, 1.0), "N is 2; it must be an integer of at least 3"),
        (lambda: TransverseFieldIsing(4, np.nan), "field is nan; it must be finite"),
        (lambda: Heisenberg(5), "N is 5; it must be even"),
        (lambda: Heisenberg(4).connections(STATES[:, :3]), r"states has shape \(16, 3\); it must be \(n, 4\)"),
        (lambda: Configurations(25), "N is 25; it must be from 1 to 24"),
        (lambda: Configurations(4, 1), "magnetization is 1; no state of 4 spins has it"),
        (lambda: Configurations(4, 0).positions(STATES), "another magnetization"),
        (lambda: matrix(Heisenberg(4), Configurations(5)), "configurations have 5 spins; the Hamiltonian has 4"),
        (lambda: matrix(TransverseFieldIsing(4, 1.0), Configurations(4, 0)), "does not conserve it"),
        (lambda: ExactSums(MACHINE, Heisenberg(6)), "machine has 4 spins; the Hamiltonian has 6"),
        (lambda: ising_energy(5, 1.0), "N is 5; it must be even and at least 4"),
        (lambda: ising_energy(4, -1.0), "field is -1.0; it must be finite and not negative"),
        (lambda: heisenberg_energy(2), "N is 2; it must be even and at least 4"),
    ],
)
def test_bad_input_is_named_with_what_it_must_be(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_every_parameter_has_a_name():
    tied, free = RestrictedBoltzmann(4, 2), RestrictedBoltzmann(4, 1, symmetric=False)
    assert [tied.name_of(k) for k in (0, 1, 2, 3, 10)] == ["a[0]", "b[0]", "b[1]", "W[0, 0]", "W[1, 3]"]
    assert [free.name_of(k) for k in (3, 4, 8)] == ["a[3]", "b[0]", "W[0, 0]"]
