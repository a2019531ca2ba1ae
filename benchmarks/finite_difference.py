"""Hessians from function values, side by side: calls, error, and whether the error estimate is a bound.

Run ``python benchmarks/finite_difference.py`` in an environment with the project; numdifftools, DerivKit and SciPy are
included when they are installed (``pip install numdifftools derivkit scipy``). With ``panel`` as argument the functions
of the tests are used instead of the networks.

Columns: calls of the function; largest error relative to the largest entry; share of entries whose error is below the
package's own estimate; median of estimate / error. A dash: the package gives no estimate. Nothing is timed.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from hesslib import finite_difference

Result = tuple[np.ndarray, np.ndarray | None]
Peer = Callable[[Callable[[np.ndarray], Any], np.ndarray], Result]


def panel_module() -> ModuleType:
    """The functions and exact derivatives that the tests use."""
    path = Path(__file__).resolve().parent.parent / "tests" / "finite_difference_panel.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def ours(method: str) -> Peer:
    def run(f: Callable[[np.ndarray], Any], x: np.ndarray) -> Result:
        estimate = finite_difference.hessian(f, x, method=method)
        return estimate.value, estimate.error

    return run


def numdifftools_hessian(method: str, **options: Any) -> Peer:
    def run(f: Callable[[np.ndarray], Any], x: np.ndarray) -> Result:
        import numdifftools

        found = numdifftools.Hessian(f, method=method, full_output=True, **options)(x)
        info = found[1] if len(found) == 2 else found  # a pair before 0.11, one record since
        return found[0], np.asarray(info.error_estimate)

    return run


def derivkit_hessian(**options: Any) -> Peer:
    def run(f: Callable[[np.ndarray], Any], x: np.ndarray) -> Result:
        from derivkit.calculus_kit import CalculusKit

        return CalculusKit(f, x0=x).hessian(**options), None

    return run


def scipy_hessian(f: Callable[[np.ndarray], Any], x: np.ndarray) -> Result:
    from scipy.differentiate import hessian

    def columns(z: np.ndarray) -> np.ndarray:  # SciPy calls with arrays of points, coordinates first
        return np.array([f(point) for point in z.reshape(len(x), -1).T]).reshape(z.shape[1:])

    found = hessian(columns, x)
    return found.ddf, found.error


def peers() -> Iterator[tuple[str, Peer]]:
    """Every method of this package, and those of the others that are installed."""
    for method in ("central", "ridders", "complex_step"):
        yield f"hesslib, {method}", ours(method)
    versions = {}
    for name in ("numdifftools", "derivkit", "scipy"):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            print(f"{name} is not installed: left out")
    if "numdifftools" in versions:
        yield f"numdifftools {versions['numdifftools']}, central (default)", numdifftools_hessian("central")
        yield f"numdifftools {versions['numdifftools']}, complex", numdifftools_hessian("complex")
    if "derivkit" in versions:
        ridders = {"method": "finite", "stepsize": 1e-2, "num_points": 5, "extrapolation": "ridders", "levels": 4}
        yield f"DerivKit {versions['derivkit']}, default", derivkit_hessian()
        yield f"DerivKit {versions['derivkit']}, finite + Ridders", derivkit_hessian(**ridders)
    if "scipy" in versions:
        yield f"SciPy {versions['scipy']}, differentiate.hessian", scipy_hessian


def measured(cases: list[Any], peer: Peer) -> str:
    """One row of the table, over all points of all cases."""
    calls, failed, relative, covered, idle = 0, 0, [], [], []
    for case in cases:
        for point, x in enumerate(case.points):
            count = [0]

            def f(y: np.ndarray, case: Any = case, count: list[int] = count) -> Any:
                count[0] += 1
                return case(y)[()]

            exact = case.exact(point, 2)
            try:
                value, estimate = peer(f, x)
            except Exception as error:  # noqa: BLE001  # what a package cannot do is a result too
                failed += 1
                print(f"    {case.name}: {type(error).__name__}: {str(error)[:80]}")
                continue
            calls += count[0]
            upper = np.triu_indices(len(x))
            value, exact = np.asarray(value)[upper], exact[upper]
            error = np.abs(value - exact)
            relative.append(error.max() / max(np.abs(exact).max(), 1e-300))
            if estimate is not None:
                bound = np.asarray(estimate, dtype=float)[upper]
                covered += list(error <= bound)
                unit = np.maximum(error, np.finfo(float).eps * np.abs(exact))
                idle += list(np.divide(bound, unit, out=np.where(bound > 0, np.inf, 1.0), where=unit > 0))
    bounds = f"{100 * np.mean(covered):6.1f} %  {np.median(idle):9.2g}" if covered else f"{'-':>8}  {'-':>9}"
    return f"{calls:8d}  {np.median(relative):8.1e}  {bounds}" + (f"  ({failed} points failed)" if failed else "")


def main() -> None:
    """Print the tables."""
    panel = panel_module()
    warnings.simplefilter("ignore")
    large, w = panel._net((3, 5, 1), 40, "squared")
    tasks = {case.name: [case] for case in (panel.THIRTEEN, panel._case("3-5-1 network on 40 points", large, w))}
    if "panel" in sys.argv[1:]:
        scalar = [case for case in panel.PANEL + panel.HELD_OUT if case.analytic and case(case.points[0]).shape == ()]
        tasks = {f"{len(scalar)} scalar functions of the panel, medians over points": scalar}
    for name, cases in tasks.items():
        print(f"\n{name}\n{'':44}{'calls':>8}  {'error':>8}  {'covered':>8}  {'est./err.':>9}")
        for label, peer in peers():
            print(f"{label:44}{measured(cases, peer)}", flush=True)


if __name__ == "__main__":
    main()
