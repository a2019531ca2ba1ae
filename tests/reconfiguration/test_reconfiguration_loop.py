"""Sampling and the iteration: what they reach, and how they fail."""

import io
import sys

import numpy as np
import pytest

from hesslib.reconfiguration import (
    Configurations,
    ExactSums,
    Heisenberg,
    Metropolis,
    RestrictedBoltzmann,
    SingularMetricError,
    TransverseFieldIsing,
    autocorrelation_time,
    constant,
    damped_direction,
    geometric,
    heisenberg_energy,
    ising_energy,
    log_derivatives,
    log_psi,
    pseudo_inverse_direction,
    random_states,
    sample,
    sampled_energies,
    standard_error,
    stochastic_reconfiguration,
)
from hesslib.reconfiguration.exact import EnergyEstimate
from hesslib.reconfiguration.sample_moments import Moments, probabilities

EPS = np.finfo(float).eps


def relative_error(result, exact):
    return (result.energy - exact) / abs(exact)


# --- what it reaches


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_heisenberg_of_eight_spins_is_solved_to_rounding(seed):
    machine = RestrictedBoltzmann(8, 2)
    result = stochastic_reconfiguration(ExactSums(machine, Heisenberg(8)), machine.init(seed))
    assert result.status == "converged"
    assert abs(relative_error(result, heisenberg_energy(8))) < 1e-12
    assert len(result.history) <= 301


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_ising_of_ten_spins_is_solved_to_five_digits(seed):
    machine = RestrictedBoltzmann(10, 4)
    result = stochastic_reconfiguration(ExactSums(machine, TransverseFieldIsing(10, 1.0)), machine.init(seed), rate=0.1)
    assert -1e-12 < relative_error(result, ising_energy(10, 1.0)) < 1e-5


def test_more_hidden_units_come_closer():
    reached = []
    for density in (1, 2, 4):
        machine = RestrictedBoltzmann(10, density)
        result = stochastic_reconfiguration(ExactSums(machine, Heisenberg(10)), machine.init(0))
        reached.append(relative_error(result, heisenberg_energy(10)))
    assert reached[0] > 10 * reached[1] > 20 * reached[2] > 0


def test_complex_parameters_find_the_signs_by_themselves():
    machine = RestrictedBoltzmann(8, 2)
    sums = ExactSums(machine, Heisenberg(8, marshall=False))
    result = stochastic_reconfiguration(sums, machine.init(0, dtype="complex128"), max_iterations=400)
    assert abs(relative_error(result, heisenberg_energy(8))) < 1e-10


def test_the_pseudo_inverse_is_another_way():
    machine = RestrictedBoltzmann(8, 2)
    sums = ExactSums(machine, Heisenberg(8))
    result = stochastic_reconfiguration(sums, machine.init(0), pseudo_inverse=1e-4, max_iterations=600)
    assert abs(relative_error(result, heisenberg_energy(8))) < 1e-4


def test_a_step_is_the_least_squares_solution_of_imaginary_time():
    """The definition: minimise sum p |c + O d + rate E|^2 over c and d."""
    machine = RestrictedBoltzmann(6, 1)
    hamiltonian = Heisenberg(6)
    w = machine.init(1, scale=0.4)
    sums = ExactSums(machine, hamiltonian)
    result = stochastic_reconfiguration(sums, w, max_iterations=1, rate=0.03, pseudo_inverse=1e-10)
    states, m = sums.configurations.states, sums.configurations.multiplicity
    root = np.sqrt(probabilities(log_psi(machine, w, states), m))
    O = log_derivatives(machine, w, states)
    target = -0.03 * sampled_energies(machine, hamiltonian, w, states)
    system = root[:, None] * np.column_stack([np.ones(len(states)), O])
    solution = np.linalg.lstsq(system, root * target, rcond=1e-9)[0]
    # S is singular: the solutions may differ, but not what they do to the state
    done = O @ (result.w - w)
    np.testing.assert_allclose(done - done[0], (O @ solution[1:]) - (O @ solution[1:])[0], atol=1e-6)


# --- sampling


def test_metropolis_visits_states_as_often_as_they_are_likely():
    machine = RestrictedBoltzmann(4, 1)
    w = machine.init(2, scale=0.3)
    for magnetization in (None, 0):
        run = sample(
            machine,
            w,
            random_states(0, 400, 4, magnetization=magnetization),
            1,
            sweeps=210,
            exchange=magnetization == 0,
        )
        every = Configurations(4, magnetization)
        counts = np.bincount(every.positions(run.states[10:]).ravel(), minlength=len(every.states))
        expected = probabilities(log_psi(machine, w, every.states), every.multiplicity)
        np.testing.assert_allclose(counts / counts.sum(), expected, atol=0.006)  # five standard errors
        assert 0 < run.acceptance < 1


def test_sampled_moments_agree_with_exact_sums_within_their_error():
    machine = RestrictedBoltzmann(8, 2)
    for hamiltonian in (Heisenberg(8), TransverseFieldIsing(8, 1.0)):
        w = machine.init(4, scale=0.1)
        exact = ExactSums(machine, hamiltonian)(w).moments
        found = Metropolis(machine, hamiltonian, chains=400, sweeps=50, discard=20, seed=3)(w)
        assert abs(found.moments.energy - exact.energy) < 5 * found.error
        assert found.error < 0.1
        np.testing.assert_allclose(found.moments.S, exact.S, atol=0.1 * np.abs(exact.S).max())
        np.testing.assert_allclose(found.moments.F, exact.F, atol=0.1 * np.abs(exact.F).max())


def test_the_chains_of_complex_machines_run_too():
    machine = RestrictedBoltzmann(6, 1)
    w = machine.init(4, scale=0.1, dtype="complex128")
    hamiltonian = Heisenberg(6, marshall=False)
    exact = ExactSums(machine, hamiltonian)(w).moments
    found = Metropolis(machine, hamiltonian, chains=200, sweeps=50, discard=10)(w)
    assert abs(found.moments.energy - exact.energy) < 5 * found.error


@pytest.mark.usefixtures("as_installed")
def test_an_optimisation_with_samples_reaches_what_exact_sums_reach():
    machine = RestrictedBoltzmann(8, 2)
    estimate = Metropolis(machine, Heisenberg(8), chains=100, sweeps=10)
    result = stochastic_reconfiguration(estimate, machine.init(0), max_iterations=250)
    assert abs(relative_error(result, heisenberg_energy(8))) < 1e-10  # no variance at an eigenstate
    assert np.isfinite(result.history[-1].acceptance)


def test_the_same_seed_gives_the_same_run():
    machine = RestrictedBoltzmann(6, 1)
    runs = [
        stochastic_reconfiguration(
            Metropolis(machine, Heisenberg(6), chains=20, sweeps=4, seed=7), machine.init(0), max_iterations=5
        ).energies
        for _ in range(2)
    ]
    np.testing.assert_array_equal(*runs)


@pytest.mark.parametrize("r", [0.0, 0.5, 0.9])
def test_the_autocorrelation_time_is_that_of_a_process_with_a_known_one(r):
    rng = np.random.default_rng(5)
    noise = rng.standard_normal((2000, 50))
    series = np.empty_like(noise)
    series[0] = noise[0]
    for t in range(1, len(noise)):
        series[t] = r * series[t - 1] + np.sqrt(1 - r**2) * noise[t]
    tau = 0.5 + r / (1 - r)
    assert abs(autocorrelation_time(series) - tau) < 0.05 * tau
    spread = series.mean(axis=0).std() / np.sqrt(50)  # between the chains, which are independent
    assert abs(standard_error(series) - spread) < 0.3 * spread


def test_a_constant_series_has_no_error():
    assert autocorrelation_time(np.full((10, 3), 0.1)) == 0.5
    assert standard_error(np.full((10, 3), 0.5)) == 0


# --- the linear system


def test_schedules_fall_to_their_floor():
    assert [geometric()(p) for p in (0, 1, 500)] == [100.0, 90.0, 1e-4]
    assert constant(0.5)(3) == 0.5


def test_directions_solve_their_systems():
    rng = np.random.default_rng(0)
    B = rng.standard_normal((6, 4)) + 1j * rng.standard_normal((6, 4))
    S, F = B.conj().T @ B, rng.standard_normal(4) + 1j * rng.standard_normal(4)
    d = damped_direction(S, F, scaled=0.1, shift=0.2)
    np.testing.assert_allclose((S + 0.1 * np.diag(np.diag(S)) + 0.2 * np.eye(4)) @ d, F, atol=1e-13)
    np.testing.assert_allclose(S @ pseudo_inverse_direction(S, F, cutoff=0.0), F, atol=1e-12)


def test_a_singular_metric_is_refused_and_says_which_parameters_are_idle():
    with pytest.raises(SingularMetricError, match=r"rows of zeros, parameters 0, 2"):
        damped_direction(np.diag([0.0, 1.0, 0.0]), np.ones(3), scaled=1.0, shift=0.0)
    for corner in (1.0, 1.0 - EPS, 1.0 + EPS):
        with pytest.raises(SingularMetricError, match="some combination"):
            damped_direction(np.array([[1.0, 1.0], [1.0, corner]]), np.ones(2), scaled=0.0, shift=0.0)


# --- how the iteration ends


MACHINE = RestrictedBoltzmann(8, 2)
SUMS = ExactSums(MACHINE, Heisenberg(8))
W0 = MACHINE.init(0)


def broken(after, moment):
    """An estimate that goes wrong after some calls."""
    calls = []

    def estimate(w):
        calls.append(w)
        if len(calls) <= after:
            return SUMS(w)
        if isinstance(moment, type) and issubclass(moment, BaseException):
            raise moment
        return EnergyEstimate(SUMS(w).moments._replace(**moment))

    return estimate


def best_of(result):
    return min(record.energy for record in result.history)


def test_the_limit_of_iterations_ends_it():
    result = stochastic_reconfiguration(SUMS, W0, max_iterations=3)
    assert (result.status, len(result.history)) == ("limit", 4)
    assert result.message == "all 3 iterations are used"
    assert result.history[-1].step == 0 < result.history[0].step
    np.testing.assert_allclose(SUMS(result.w).moments.energy, result.energy, rtol=8 * EPS)


def test_no_iterations_evaluate_the_start():
    result = stochastic_reconfiguration(SUMS, W0, max_iterations=0)
    np.testing.assert_array_equal(result.w, W0)
    assert len(result.history) == 1


def test_a_start_without_hidden_weights_is_flat_and_is_told_so():
    result = stochastic_reconfiguration(SUMS, np.zeros_like(W0))
    assert (result.status, len(result.history)) == ("stationary", 1)
    assert "F is zero" in result.message
    assert "saddle point" in result.message


def test_an_interruption_keeps_the_best_point():
    result = stochastic_reconfiguration(broken(40, KeyboardInterrupt), W0)
    assert result.status == "interrupted"
    assert result.message.startswith("interrupted at iteration 40; the best point is that of iteration")
    assert result.energy == best_of(result)


def test_an_interruption_before_the_first_point_returns_the_start():
    result = stochastic_reconfiguration(broken(0, KeyboardInterrupt), W0)
    assert result.status == "interrupted"
    assert "no point was evaluated" in result.message
    np.testing.assert_array_equal(result.w, W0)


@pytest.mark.parametrize("moment", [{"energy": np.nan}, {"variance": np.inf}, {"F": np.full(19, np.nan)}])
def test_what_is_not_finite_ends_it_at_the_iteration_and_keeps_the_best_point(moment):
    result = stochastic_reconfiguration(broken(10, moment), W0)
    assert (result.status, len(result.history)) == ("not_finite", 10)
    assert result.message.startswith("iteration 10: the energy is")
    assert "the best point is that of iteration" in result.message
    assert np.isfinite(result.w).all()


def test_an_overflow_at_the_start_is_reported_without_a_warning():
    result = stochastic_reconfiguration(SUMS, 1e5 * W0)
    assert result.status == "not_finite"
    assert "a smaller start" in result.message
    assert np.isnan(result.energy)


def test_too_little_regularisation_climbs_and_the_best_point_is_kept():
    machine = RestrictedBoltzmann(8, 1)
    sums = ExactSums(machine, TransverseFieldIsing(8, 1.0))
    result = stochastic_reconfiguration(sums, machine.init(0), shift=1e-8)
    error = (result.energies - ising_energy(8, 1.0)) / abs(ising_energy(8, 1.0))
    assert error[-1] > 5 * error.min()
    assert result.energy == best_of(result)
    np.testing.assert_allclose(sums(result.w).moments.energy, result.energy, rtol=8 * EPS)


def test_a_singular_metric_ends_it_with_a_way_out():
    result = stochastic_reconfiguration(SUMS, W0, shift=0.0)
    assert (result.status, len(result.history)) == ("singular", 1)
    assert "iteration 0: S has rows of zeros, parameters 0" in result.message
    assert "a shift > 0 or pseudo_inverse helps" in result.message
    assert stochastic_reconfiguration(SUMS, W0, shift=0.0, pseudo_inverse=1e-8, max_iterations=2).status == "limit"


def test_a_callback_sees_every_point_and_may_stop():
    seen = []
    result = stochastic_reconfiguration(SUMS, W0, callback=lambda w, record: seen.append(w) or record.iteration == 5)
    assert (result.status, len(seen)) == ("stopped", 6)
    assert "callback returned True in iteration 5" in result.message


class Screen(io.StringIO):
    """A stream that is, or is not, a terminal."""

    def __init__(self, terminal):
        super().__init__()
        self.terminal = terminal

    def isatty(self):
        return self.terminal


@pytest.mark.parametrize(
    ("wanted", "terminal", "shown"),
    [(None, False, False), (False, True, False), (True, False, True), (None, True, True)],
)
def test_progress_is_shown_where_it_is_asked_for_or_somebody_watches(monkeypatch, wanted, terminal, shown):
    screen = Screen(terminal)
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr("hesslib.reconfiguration.loop.LONG", 0)
    stochastic_reconfiguration(SUMS, W0, max_iterations=5, progress=wanted)
    assert bool(screen.getvalue()) is shown


@pytest.mark.usefixtures("as_installed")
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: stochastic_reconfiguration(SUMS, W0[:-1]), r"w has shape \(18,\); it must be \(19,\)"),
        (lambda: stochastic_reconfiguration(SUMS, W0.astype(int)), "w0 has dtype int64; it must be real or complex"),
        (lambda: stochastic_reconfiguration(SUMS, W0 * np.nan), "w0 has 19 entries that are not finite"),
        (lambda: stochastic_reconfiguration(SUMS, W0, max_iterations=-1), "max_iterations is -1; it must not"),
        (lambda: stochastic_reconfiguration(SUMS, W0, rate=0), "rate is 0; it must be positive and finite"),
        (lambda: stochastic_reconfiguration(SUMS, W0, shift=-1), "shift is -1; it must be finite and not negative"),
        (lambda: stochastic_reconfiguration(SUMS, W0, pseudo_inverse=2), "pseudo_inverse is 2; it must be from 0"),
        (lambda: geometric(1, 1, 1), "ratio is 1"),
        (lambda: constant(-1), "value is -1; it must not be negative"),
        (lambda: Metropolis(MACHINE, Heisenberg(6)), "machine has 8 spins; the Hamiltonian has 6"),
        (lambda: Metropolis(MACHINE, Heisenberg(8), sweeps=1), "sweeps is 1; it must be at least 2"),
        (lambda: Metropolis(MACHINE, Heisenberg(8), discard=-1), "discard is -1; it must be at least 0"),
        (lambda: sample(MACHINE, W0, random_states(0, 2, 8), 0, sweeps=0), "sweeps is 0; it must be at least 1"),
        (lambda: random_states(0, 2, 8, magnetization=3), "magnetization is 3; no state of 8 spins has it"),
        (lambda: autocorrelation_time(np.ones(3)), r"series has shape \(3,\); it must be \(T, C\)"),
    ],
)
def test_bad_input_is_named_with_what_it_must_be(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_moments_are_a_plain_tuple():
    assert Moments._fields == ("energy", "variance", "S", "F")
