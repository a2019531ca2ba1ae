"""What `import hesslib` costs and offers."""

import importlib
import os
import re
import subprocess
import sys

import hesslib

IMPORT = """
import sys, time, numpy
start = time.process_time()
import hesslib
print(time.process_time() - start)
print(*sorted({"sympy", "jax", "torch", "scipy", "mpmath", "matplotlib", "pandas"} & set(sys.modules)))
"""


def imported() -> tuple[float, list[str]]:
    # coverage would slow the import down, and is switched on in child processes by this variable
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV_CORE")}
    run = subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True, env=environment)
    seconds, modules = run.stdout.splitlines()
    return float(seconds), modules.split()


def test_import_takes_less_than_0_3_s_beyond_numpy_and_brings_in_nothing_large() -> None:
    runs = [imported() for _ in range(3)]
    assert runs[0][1] == []
    assert min(seconds for seconds, _ in runs) < 0.3


def test_every_public_name_exists_once_and_has_a_docstring() -> None:
    assert sorted(set(hesslib.__all__)) == sorted(hesslib.__all__)
    for name in hesslib.__all__:
        assert (getattr(hesslib, name).__doc__ or "").strip(), f"{name} has no docstring"


def test_numeric_modules_do_not_import_the_calculus_or_an_oracle() -> None:
    code = "import sys, hesslib; print(*[m for m in sys.modules if m.startswith('hesslib')])"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not [name for name in modules if name.startswith("hesslib.calculus")]
    for name in modules:
        source = importlib.util.find_spec(name).loader.get_source(name)
        assert not re.search(r"^\s*(import|from) (jax|torch|hesslib\.calculus)\b", source, re.MULTILINE), name
