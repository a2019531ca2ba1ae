"""Random expressions: D against SymPy's diff, normal forms against values, copies recognised, slips refused.

The two deciders are asked about many more, and must not contradict each other; a longer run of that:
``HESSLIB_FUZZ_PAIRS=100000 pytest tests/calculus/test_calculus_fuzz.py -k deciders``.

Six fixed seeds and a fresh one. The fresh seed is printed; ``HESSLIB_FUZZ_SEED=<seed> pytest
tests/test_calculus_fuzz.py`` replays it, and ``HESSLIB_FUZZ_COUNT`` sets how many expressions a seed writes.
"""

import os
import sys
import zlib
from collections import Counter

import pytest
from random_expressions import SIZES, N, WideWriter, Writer, by_x, numbers, p, q

from hesslib.calculus.comparison import compare
from hesslib.calculus.decision import decide
from hesslib.calculus.index import RangeError
from hesslib.calculus.normal import equal, normal_form
from hesslib.calculus.steps import NotEqualError, require_equal
from hesslib.calculus.terms import WorkLimitError
from hesslib.calculus.tidy import tidy

COUNT = int(os.environ.get("HESSLIB_FUZZ_COUNT", "65"))
FIXED = range(7)
PAIRS = int(os.environ.get("HESSLIB_FUZZ_PAIRS", "10000"))
RUNS = 8
"""Into how many tests the pairs are divided."""
FRESH = "fresh"


@pytest.fixture
def seed(request, capfd) -> int:
    if request.param != FRESH:
        return request.param
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or os.urandom(8).hex()
    number = int(os.environ.get("HESSLIB_FUZZ_SEED") or zlib.crc32(run.encode()))
    with capfd.disabled():
        sys.stderr.write(f"\nfuzz: fresh seed {number} (replay with HESSLIB_FUZZ_SEED={number})\n")
    return number


def places():
    return [{p: unit} for unit in range(1, SIZES[N] + 1)]


def values(e, here):
    return [here.value(e, at) for at in places()]


@pytest.mark.parametrize("seed", [*FIXED, FRESH], indirect=True)
def test_random_expressions(seed, as_installed):
    writer = Writer(seed)
    decided = 0
    for number in range(COUNT):
        e = writer.expression()
        story = f"seed {seed}, expression {number}: {e}"
        try:
            check(e, writer, numbers(number % 8), story)
            decided += 1
        except WorkLimitError:
            continue  # refusing to work on is allowed; how often is asserted below
    assert decided >= 0.95 * COUNT, f"seed {seed}: only {decided} of {COUNT} expressions were decided"


def check(e, writer, here, story):
    at, unit = writer.rng.choice(places()), writer.rng.randint(1, SIZES[N])
    assert here.value(by_x(e), {**at, q: unit}) == here.derivative(e, at, unit), (
        f"D by x_{unit} is wrong at {at}; {story}"
    )

    value = values(e, here)
    assert values(tidy(e), here) == value, f"tidy changed the value; {story}"
    normal = normal_form(e)
    assert values(normal, here) == value, f"the normal form changed the value; {story}"

    copy = writer.scrambled(e)
    assert values(copy, here) == value, f"the fuzzer itself is wrong; {story}"
    assert equal(e, copy), f"not recognised: {copy}; {story}"
    assert normal_form(copy) == normal, f"two normal forms: {normal} and {normal_form(copy)}; {story}"

    slip = writer.spoiled(e)
    other = numbers(-1)
    if values(slip, here) == value and values(slip, other) == values(e, other):
        return  # no slip after all: it left the value alone
    with pytest.raises(NotEqualError) as refusal:
        require_equal(e, slip, story)
    assert refusal.value.missing or refusal.value.extra, f"no term is named; {story}"


@pytest.mark.parametrize("run", range(RUNS))
def test_the_two_deciders_do_not_contradict_each_other(run, as_installed):
    writer, words = WideWriter(1000 + run), Counter()
    for number in range(PAIRS // RUNS):
        e = writer.wide()
        is_copy = number % 2 == 0
        other = writer.scrambled(e) if is_copy else writer.spoiled(e)
        word = answer(e, other)  # a contradiction raises, and names both answers and both formulas
        words[is_copy, word] += 1
        assert not (is_copy and word == "different"), f"run {run}: a copy is called different: {e} and {other}"
    copies, slips = (sum(n for (is_copy, _), n in words.items() if is_copy == kind) for kind in (True, False))
    assert words[True, "equal"] >= 0.9 * copies, words
    assert words[False, "different"] >= 0.6 * slips, words  # the others left the value alone


def answer(e, other):
    """What the two say together; where the normal form refuses to look, what the second says."""
    try:
        return decide(e, other).word
    except (RangeError, WorkLimitError):
        return compare(e, other).word
