"""Sample the ground state of the Heisenberg chain of 40 spins, and keep the course of it for the chapter.

    python tools/heisenberg_chain.py [DENSITY ...]

Writes heisenberg_chain.json among the package's data, where a downloaded chapter finds it: for each hidden density the
settings, the energy and its error at each iteration, and the last parameters. About a quarter of an hour on one core
for densities 1, 2 and 4; the chapter samples the last states anew, and repeats the first iterations.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import hesslib.reconfiguration
from hesslib.reconfiguration import Heisenberg, Metropolis, RestrictedBoltzmann, geometric, stochastic_reconfiguration

FILE = Path(hesslib.reconfiguration.__file__).parent / "data" / "heisenberg_chain.json"
SETTINGS: dict[str, Any] = {
    "N": 40,
    "seed": 0,
    "chains": 300,
    "sweeps": 5,
    "discard": 1,
    "rate": 0.05,
    "floor": 1e-4,
    "iterations": 500,
}


def run(density: int, /) -> dict[str, Any]:
    """One run: the rounded history, and the parameters of its last point."""
    machine = RestrictedBoltzmann(SETTINGS["N"], density)
    estimate = Metropolis(
        machine,
        Heisenberg(SETTINGS["N"]),
        chains=SETTINGS["chains"],
        sweeps=SETTINGS["sweeps"],
        discard=SETTINGS["discard"],
        seed=SETTINGS["seed"],
    )
    visited: list[Any] = []
    result = stochastic_reconfiguration(
        estimate,
        machine.init(SETTINGS["seed"]),
        max_iterations=SETTINGS["iterations"],
        rate=SETTINGS["rate"],
        regularization=geometric(100.0, 0.9, SETTINGS["floor"]),
        callback=lambda w, _: visited.append(w),
    )
    return {
        "message": result.message,
        "energy": [round(record.energy, 5) for record in result.history],
        "error": [round(record.error, 5) for record in result.history],
        "w": [round(float(x), 7) for x in visited[-1]],
    }


def main(densities: list[int], /) -> None:
    """Run the densities, and keep those of the file that are not run."""
    known = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    runs = known.get("runs", {}) if known.get("settings") == SETTINGS else {}
    for density in densities:
        print(f"density {density}")
        runs[str(density)] = run(density)
        FILE.parent.mkdir(exist_ok=True)
        text = json.dumps({"settings": SETTINGS, "runs": dict(sorted(runs.items()))}, separators=(",", ":"))
        FILE.write_text(text.replace(',"', ',\n"') + "\n", encoding="utf-8")


if __name__ == "__main__":
    main([int(x) for x in sys.argv[1:]] or [1, 2, 4])
