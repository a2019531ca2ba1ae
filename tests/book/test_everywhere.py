"""The tools that hold the book and the tests to be the same on every machine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import compare_pages
import everywhere
import execute_chapters
import nbformat
import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
AVX512 = ["X86_V3", "X86_V4", "AVX512_ICL"]


@pytest.mark.parametrize(
    ("found", "machine", "kernels"),
    [
        (AVX512, "x86_64", ["Haswell", "Sandybridge", "Nehalem"]),
        (["X86_V3"], "AMD64", ["Haswell", "Sandybridge", "Nehalem"]),
        (["SSE41", "AVX", "F16C", "FMA3", "AVX2"], "x86_64", ["Haswell", "Sandybridge", "Nehalem"]),  # NumPy 2.0
        ([], "x86_64", ["Nehalem"]),
        (["ASIMDHP"], "arm64", []),
    ],
)
def test_a_processor_is_asked_for_no_kernel_that_it_does_not_have(found, machine, kernels):
    assert everywhere.kernels_here(found, machine) == kernels


@pytest.mark.parametrize(
    ("kernel", "isa", "disabled"),
    [
        ("Haswell", "AVX2", "X86_V4 AVX512_ICL"),
        ("Sandybridge", "AVX", "X86_V3 X86_V4 AVX512_ICL"),
        ("Nehalem", "SSE4_2", "X86_V3 X86_V4 AVX512_ICL"),
    ],
)
def test_numpy_and_xla_are_lowered_along_with_the_blas(kernel, isa, disabled, monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_of_the_user=1")
    assert everywhere.kernel_variables(kernel, AVX512) == {
        "OPENBLAS_CORETYPE": kernel,
        "XLA_FLAGS": f"--xla_of_the_user=1 --xla_cpu_max_isa={isa}",
        "NPY_DISABLE_CPU_FEATURES": disabled,
    }
    assert "NPY_DISABLE_CPU_FEATURES" not in everywhere.kernel_variables(kernel, [])


@pytest.mark.skipif(not everywhere.another_kernel(), reason="the processor offers one kernel only")
def test_another_kernel_computes_another_rounding():
    """In a process of its own: what NumPy and its BLAS say that they use is not what this process uses."""
    code = "import sys; sys.path.append('tools'); import execute_chapters; print(execute_chapters.processor())"
    environment = {**os.environ, **everywhere.another_kernel()}
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stderr == ""
    assert run.stdout.strip() != execute_chapters.processor()


def test_the_settings_are_those_that_are_asked_for():
    names = list(everywhere.settings())
    assert names[0] == "native"
    assert {"threads-1", "threads-2", "busy", "float32-in-JAX"} <= set(names)
    for setting in everywhere.settings().values():
        assert set(setting.parts) <= set(everywhere.PARTS)
        assert re.fullmatch(r"[\w.-]+", setting.name), "it names a folder"


def test_the_parts_are_there_and_hold_no_chapters_twice():
    tests = {path.name for path in (ROOT / "tests").rglob("test_*.py")}
    for part in set(everywhere.PARTS) - {"chapters"}:
        paths = [Path(name) for name in everywhere.arguments_of(part) if name.endswith(".py")]
        assert paths
        assert all(path.is_file() for path in paths)
        assert not {path.name for path in paths} & {"test_chapters.py", "test_site.py", "test_live.py"}
    assert {Path(name).name for name in everywhere.arguments_of("tests") if name.endswith(".py")} == tests - {
        "test_chapters.py",
        "test_site.py",
        "test_live.py",
    }


def test_the_oldest_releases_are_the_lower_bounds():
    oldest = {Requirement(text).name: text for text in everywhere.oldest_releases()}
    assert oldest["numpy"] == "numpy==2.0.*"
    assert {"scipy", "sympy", "array-api-compat"} <= oldest.keys()


def test_processes_that_keep_the_cores_busy_end_with_the_block():
    with everywhere.all_cores_busy(True) as others:
        assert len(others) == (os.cpu_count() or 1)
        assert all(other.poll() is None for other in others)
    assert all(other.poll() is not None for other in others)
    with everywhere.all_cores_busy(False) as others:
        assert others == []


REPORT = """<testsuites><testsuite>
<testcase classname="a" name="one"/>
<testcase classname="a" name="two"><failure/></testcase>
<testcase classname="b" name="three"><error/></testcase>
<testcase classname="b" name="four"><skipped/></testcase>
</testsuite></testsuites>"""


def test_a_report_is_summed_up_and_failures_are_named(tmp_path):
    report = tmp_path / "report.xml"
    report.write_text(REPORT, encoding="utf-8")
    assert everywhere.read_report(report) == ("1 passed, 1 skipped, 2 FAILED", ["a::two", "b::three"])
    report.write_text("<testsuites/>", encoding="utf-8")
    assert everywhere.read_report(report) == ("did not run", [f"see {report}"])


# Two builds side by side


@pytest.mark.parametrize(
    ("one", "other", "what"),
    [
        ("7 of 9 points", "7 of 9 points", None),
        ("it took 3 steps", "it took 4 steps", "numbers"),
        ("error 2.5000001", "error 2.5000002", None),
        ("error 3.1e-16", "error 9e-14", None),
        ("error 3.1e-16", "error 9e-8", "numbers"),
        ("x is -1.5", "x is \N{MINUS SIGN}1.5", None),
        ("16\N{NARROW NO-BREAK SPACE}396 products", "16\N{NARROW NO-BREAK SPACE}397 products", "numbers"),
        ("at 127.0.0.1", "at 127.0.0.1", None),
        ("the best is W1", "the best is W2", "words"),
        ("stalled after 3", "converged after 3", "words"),
    ],
)
def test_lines_differ_in_words_in_numbers_or_not(one, other, what):
    assert compare_pages.differ(one, other, 1e-6) == what
    assert compare_pages.differ(other, one, 1e-6) == what


def test_a_line_that_is_in_one_build_alone_moves_no_other():
    one, other = {"page": ["a 1", "b 2", "c 3"]}, {"page": ["b 2", "c 4"], "more": ["d"]}
    found = compare_pages.compare(one, other, 1e-6)
    assert [(line.page, line.one, line.other, line.words) for line in found] == [
        ("more", "", "d", True),
        ("page", "a 1", "", True),
        ("page", "c 3", "c 4", False),
    ]


def build(folder: Path, number: str) -> Path:
    folder.mkdir()
    text = f"<p>It took <b>{number}</b>\nsteps.</p><pre>a\nb</pre><script>{number}</script>"
    page = f"<nav>menu {number}</nav><article>{text}</article>"
    (folder / "page.html").write_text(page, encoding="utf-8")
    return folder


def test_the_text_of_built_pages_is_compared(tmp_path, capsys):
    one, other = build(tmp_path / "one", "3"), build(tmp_path / "other", "4")
    assert compare_pages.pages_of(one) == {"page": ["It took 3 steps.", "a", "b"]}
    assert compare_pages.main([str(one), str(other)]) == 0
    said = capsys.readouterr().out
    assert "1  It took 3 steps.\n  2  It took 4 steps." in said
    assert "1 pages compared: 0 lines differ in words, 1 in numbers by more than 1e-06" in said
    (other / "page.html").rename(other / "moved.html")
    assert compare_pages.main([str(one), str(other)]) == 1
    with pytest.raises(SystemExit, match="no pages below"):
        compare_pages.main([str(one), str(tmp_path / "nowhere")])


def test_the_outputs_of_executed_chapters_are_compared(tmp_path):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")])
    outputs = [
        nbformat.v4.new_output("stream", text="3 steps\n"),
        nbformat.v4.new_output("display_data", {"image/png": "AAAA", "text/plain": "<Figure at 0x7f>"}),
        nbformat.v4.new_output(
            "display_data", {compare_pages.INSERTED: "'4'"}, metadata={"scrapbook": {"name": "products"}}
        ),
        nbformat.v4.new_output("execute_result", {"text/plain": "f at 0x7f", "text/html": "<b>f</b>"}),
    ]
    notebook.cells[0].outputs = outputs
    cache = execute_chapters.open_cache(tmp_path / "cache" / "key")
    cache.cache_notebook_bundle(
        execute_chapters.CacheBundleIn(notebook, str(tmp_path / "one.md"), data={}), check_validity=False
    )
    assert compare_pages.pages_of(tmp_path / "cache") == {"one": ["3 steps", "products: '4'", "f at 0x"]}
