"""The time that an all-reduce takes, against numbers."""

import numpy as np
import pytest

from hesslib.derivations import all_reduce, shards

NUMBERS = {all_reduce.alpha: 1e-6, all_reduce.beta: 1e9, all_reduce.F: 1e12, all_reduce.P: 10**6, all_reduce.N: 10**7}


def test_both_times_are_equal_at_the_balance():
    devices = 10**7
    at = {**NUMBERS, all_reduce.p: devices, all_reduce.N: float(all_reduce.balance().subs(NUMBERS)) * devices}
    at[all_reduce.alpha] = 0
    computing, sending = (float(time().rhs.subs(at)) for time in (all_reduce.computation, all_reduce.communication))
    assert computing == pytest.approx(sending, rel=1e-6)


def test_no_other_number_of_devices_takes_less_time():
    best = float(all_reduce.best().subs(NUMBERS))

    def total(devices):
        at = {**NUMBERS, all_reduce.p: devices}
        return float(all_reduce.computation().rhs.subs(at) + all_reduce.communication().rhs.subs(at))

    assert all(total(best) < total(best * factor) for factor in np.array([0.5, 0.9, 1.1, 2]))


def test_all_patterns_are_the_sum_over_devices_and_their_patterns():
    whole = shards.all_patterns()
    assert whole.established == "definition"
    (d, _, devices), (n, _, patterns) = whole.rhs.limits
    assert (whole.rhs.function, devices, patterns) == (shards.part[d, n], shards.p, shards.m)


@pytest.mark.parametrize("p", [2, 3, 5])
def test_a_ring_that_adds_up_sends_the_volume_that_is_stated(p):
    share = 4
    numbers = np.random.default_rng(p).integers(0, 100, (p, p, share))  # of each device, in as many shares
    held, sent = numbers.copy(), 0
    for step in range(2 * (p - 1)):
        moving = [(d, (d - step) % p) for d in range(p)]
        values = [held[d, part].copy() for d, part in moving]
        for (d, part), value in zip(moving, values, strict=True):
            to = (d + 1) % p
            held[to, part] = held[to, part] + value if step < p - 1 else value
        sent += share  # by each device
    assert (held == numbers.sum(axis=0)).all()
    assert all_reduce.volume().rhs.subs({all_reduce.p: p, all_reduce.P: share * p}) == sent
