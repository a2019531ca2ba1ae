"""A machine of any speed: what is measured between two looks at the clock is a random number, from 1e-6 s to 100 s.

Python imports this at its start where the folder is on its path. With the variable ANY_CLOCK it replaces the clocks
that measure how long something takes; nothing that is asserted may depend on them.
"""

import itertools
import os
import random
import time

if seed := os.environ.get("ANY_CLOCK"):
    draw = random.Random(seed)
    looks = itertools.accumulate(10 ** draw.uniform(-6, 2) for _ in itertools.count())
    time.perf_counter = time.process_time = looks.__next__
