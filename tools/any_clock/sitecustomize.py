"""A machine of any speed: what is measured between two looks at the clock is a random number, from 1e-6 s to 100 s.

Python imports this at its start where the folder is on its path. With the variable ANY_CLOCK it replaces the clocks that
measure how long something takes; nothing that is asserted may depend on them.
"""

import os
import random
import time

if seed := os.environ.get("ANY_CLOCK"):
    _draw = random.Random(seed)  # noqa: S311
    _now = 0.0

    def _any_time() -> float:
        global _now
        _now += 10 ** _draw.uniform(-6, 2)
        return _now

    time.perf_counter = time.process_time = _any_time
