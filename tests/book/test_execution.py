"""What executes when: the cache of the chapters, and the build around it, on a small book of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from textwrap import dedent

import execute_chapters
import nbformat
import pytest
from notebook_download import portable_notebook

ROOT = Path(__file__).resolve().parents[2]
HEADER = dedent("""\
    ---
    file_format: mystnb
    kernelspec:
      name: python3
    ---
    """)


def write_chapter(folder: Path, name: str, *cells: str, prose: str = "Words.") -> Path:
    """A chapter with one line of prose ahead of each cell."""
    body = "".join(f"\n{prose}\n\n```{{code-cell}} python3\n{cell}\n```\n" for cell in cells)
    path = folder / f"{name}.md"
    path.write_text(f"{HEADER}\n# Chapter {name}\n{body}", encoding="utf-8")
    return path


@pytest.fixture
def book(tmp_path, monkeypatch):
    """A folder with a package named ``answers`` that the runner watches and the kernels can import."""
    package = tmp_path / "answers"
    package.mkdir()
    (package / "__init__.py").write_text("from answers.number import VALUE\n", encoding="utf-8")
    (package / "number.py").write_text("VALUE = 41\n", encoding="utf-8")
    monkeypatch.setattr(execute_chapters, "PACKAGE", "answers")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path


def run(book: Path, *chapters: Path, timeout: int = 60) -> dict[str, execute_chapters.Outcome]:
    """Execute in the present environment, silently; the outcomes by the chapters' names."""
    cache = execute_chapters.open_cache(execute_chapters.cache_path(book / "_build"))
    outcomes = execute_chapters.execute_all(chapters, cache, timeout=timeout, report=lambda line: None)
    return {outcome.chapter.stem: outcome for outcome in outcomes}


def shown(outcome: execute_chapters.Outcome) -> str:
    """The text of the last output."""
    return outcome.notebook.cells[-1].outputs[-1]["data"]["text/plain"]


def test_an_edited_chapter_is_executed_again_and_no_other(book):
    one, two = (write_chapter(book, name, "import answers", f"answers.VALUE  # {name}") for name in ("one", "two"))
    assert not any(outcome.cached for outcome in run(book, one, two).values())
    write_chapter(book, "two", "import answers", "answers.VALUE + 1")
    again = run(book, one, two)
    assert (again["one"].cached, again["two"].cached) == (True, False)
    assert (shown(again["one"]), shown(again["two"])) == ("41", "42")


def test_edited_prose_executes_nothing(book):
    chapter = write_chapter(book, "one", "1 + 1")
    run(book, chapter)
    write_chapter(book, "one", "1 + 1", prose="Other words.")
    outcome = run(book, chapter)["one"]
    assert outcome.cached
    assert outcome.seconds > 0
    assert "Other words." in outcome.notebook.cells[0].source


def test_an_edited_package_executes_everything_again_and_going_back_does_not(book):
    chapter = write_chapter(book, "one", "import answers", "answers.VALUE")
    assert shown(run(book, chapter)["one"]) == "41"
    (book / "answers" / "number.py").write_text("VALUE = 42  # longer\n", encoding="utf-8")
    edited = run(book, chapter)["one"]
    assert (edited.cached, shown(edited)) == (False, "42")
    (book / "answers" / "number.py").write_text("VALUE = 41\n", encoding="utf-8")
    back = run(book, chapter)["one"]
    assert (back.cached, shown(back)) == (True, "41")


def test_the_key_knows_new_and_renamed_modules_releases_and_nothing_of_compiled_files(book, monkeypatch):
    key = execute_chapters.environment_key()
    (book / "answers" / "__pycache__").mkdir()
    (book / "answers" / "__pycache__" / "number.cpython-311.pyc").write_bytes(b"\0")
    assert execute_chapters.environment_key() == key
    (book / "answers" / "number.py").rename(book / "answers" / "figure.py")
    renamed = execute_chapters.environment_key()
    (book / "answers" / "more.py").touch()
    added = execute_chapters.environment_key()
    monkeypatch.setattr(execute_chapters.importlib.metadata, "distributions", lambda path: [])
    released = execute_chapters.environment_key()
    assert len({key, renamed, added, released}) == 4


def test_the_key_does_not_depend_on_what_a_module_adds_to_the_path(book, tmp_path, monkeypatch):
    key = execute_chapters.environment_key()
    copy = tmp_path / "vendor" / "numpy-0.1.dist-info"
    copy.mkdir(parents=True)
    (copy / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 0.1\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(copy.parent))
    assert execute_chapters.environment_key() == key


def test_the_command_and_the_tests_store_in_the_same_folder_whatever_modules_add_to_the_environment(kernels):
    folder = "from execute_chapters import ROOT, cache_path; print(cache_path(ROOT / '_build'), end=' ')"
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, 'tools'); {folder}; {folder}"]
    said = subprocess.run(command, cwd=ROOT, env=kernels, capture_output=True, text=True, check=True).stdout
    assert set(said.split()) == {str(execute_chapters.cache_path(ROOT / "_build", kernels))}


def differs_by(change) -> bool:
    """Whether the key of the cache in the present folder changes with what ``change()`` does."""
    before = execute_chapters.cache_path(Path.cwd() / "_build")
    change()
    return execute_chapters.cache_path(Path.cwd() / "_build") != before


def test_the_key_knows_everything_that_a_result_depends_on(book, monkeypatch):
    monkeypatch.chdir(book)
    monkeypatch.setattr(execute_chapters, "processor", lambda: "AVX2")
    for name in [*os.environ]:
        if name.split("_")[0] in execute_chapters.NUMERIC:
            monkeypatch.delenv(name)
    (book / "chapters").mkdir()
    style, data = book / "answers" / "figures.mplstyle", book / "chapters" / "soil.csv"
    style.write_text("lines.linewidth: 1\n", encoding="utf-8")
    data.write_text("1, 2\n", encoding="utf-8")
    assert differs_by(lambda: style.write_text("lines.linewidth: 2\n", encoding="utf-8")), "an edited style"
    assert differs_by(lambda: data.write_text("1, 3\n", encoding="utf-8")), "edited data beside the chapters"
    assert differs_by(lambda: monkeypatch.setattr(execute_chapters, "processor", lambda: "AVX512")), "the processor"
    for name, value in [
        ("OPENBLAS_CORETYPE", "Nehalem"),
        ("NPY_DISABLE_CPU_FEATURES", "X86_V3"),
        ("XLA_FLAGS", "--xla_cpu_max_isa=AVX"),
        ("OPENBLAS_NUM_THREADS", "2"),
        ("OMP_NUM_THREADS", "2"),
        ("JAX_ENABLE_X64", "0"),
    ]:
        assert differs_by(lambda name=name, value=value: monkeypatch.setenv(name, value)), name
    assert not differs_by(lambda: monkeypatch.setenv("EDITOR", "ed"))
    assert not differs_by(lambda: write_chapter(book / "chapters", "one", "1 + 1")), "cells are compared one by one"
    assert not differs_by((book / "chapters" / ".DS_Store").touch)


def test_the_processor_is_described_by_what_computes():
    """A kernel that is asked for shows, and what else happens to be loaded does not."""
    code = (
        "import sys; sys.path.append('tools'); import execute_chapters; from sklearn import tree;"
        " print(execute_chapters.processor())"
    )
    environment = {**os.environ, "OPENBLAS_CORETYPE": "Nehalem"}
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment, check=True)
    described = execute_chapters.processor()
    assert "openmp" not in described
    if "openblas Haswell" in described or "openblas SkylakeX" in described:
        assert "openblas Nehalem" in run.stdout


SETTINGS = "import os; sorted(item for item in os.environ.items() if item[0].endswith('_NUM_THREADS'))"


@pytest.mark.parametrize(
    ("of_the_user", "of_the_kernel"),
    [({}, execute_chapters.ONE_THREAD), *[({name: "3"}, {name: "3"}) for name in execute_chapters.ONE_THREAD]],
    ids=["nothing said", *execute_chapters.ONE_THREAD],
)
def test_the_number_of_threads_is_that_of_the_user_and_one_if_nothing_is_said(
    book, monkeypatch, of_the_user, of_the_kernel
):
    for name in [name for name in os.environ if name.endswith("_NUM_THREADS")]:
        monkeypatch.delenv(name)
    for name, value in of_the_user.items():
        monkeypatch.setenv(name, value)
    mine = dict(os.environ)
    chapter = write_chapter(book, "one", SETTINGS)
    assert eval(shown(run(book, chapter)["one"])) == sorted(of_the_kernel.items())
    assert dict(os.environ) == mine, "the runner has changed its own environment"


def test_what_a_chapter_sets_reaches_no_other_chapter(book):
    leak = "import os; before = os.environ.get('LEAK'); os.environ['LEAK'] = "
    chapters = [write_chapter(book, name, f"{leak}{name!r}", "before") for name in ("one", "two", "three")]
    outcomes = run(book, *chapters)
    assert {outcome.error for outcome in outcomes.values()} == {None}
    assert [cell.outputs for outcome in outcomes.values() for cell in outcome.notebook.cells[-1:]] == [[]] * 3
    assert "LEAK" not in os.environ


def test_settings_for_the_kernels_are_given_to_the_kernels_and_have_a_cache_of_their_own(book):
    chapter = write_chapter(book, "one", "import os", "os.environ.get('OPENBLAS_CORETYPE')")
    seen = {}
    for kernel in ("Nehalem", "Haswell", "Nehalem"):
        environment = {**execute_chapters.kernel_environment(), "OPENBLAS_CORETYPE": kernel}
        cache = execute_chapters.open_cache(execute_chapters.cache_path(book / "_build", environment))
        (outcome,) = execute_chapters.execute_all([chapter], cache, report=lambda line: None, environment=environment)
        assert shown(outcome) == repr(kernel)
        assert outcome.cached is (kernel in seen)
        seen[kernel] = outcome


def test_a_chapter_is_executed_again_when_that_is_asked_for(book):
    chapter = write_chapter(book, "one", "import time", "time.time()")
    first = shown(run(book, chapter)["one"])
    assert shown(run(book, chapter)["one"]) == first
    cache = execute_chapters.open_cache(execute_chapters.cache_path(book / "_build"))
    (again,) = execute_chapters.execute_all([chapter], cache, report=lambda line: None, again=True)
    assert shown(again) != first
    assert shown(run(book, chapter)["one"]) == shown(again)


def test_a_chapter_is_named_by_its_name_or_its_path_wherever_it_lies(tmp_path):
    (tmp_path / "chapters" / "part").mkdir(parents=True)
    chapter = write_chapter(tmp_path / "chapters" / "part", "one", "1 + 1")
    for name in ("one", "one.md", str(chapter), "chapters/one"):
        assert execute_chapters.named(name, tmp_path) == chapter
    with pytest.raises(SystemExit, match="no chapter is called 'two'; there are: one"):
        execute_chapters.named("two", tmp_path)


def test_a_kernel_that_is_not_installed_is_named_with_the_page_and_what_to_do(book):
    good, bad = write_chapter(book, "good", "1 + 1"), write_chapter(book, "bad", "1 + 1")
    bad.write_text(bad.read_text(encoding="utf-8").replace("name: python3", "name: julia"), encoding="utf-8")
    outcomes = run(book, good, bad)
    assert outcomes["good"].error is None
    headline, advice = outcomes["bad"].error.splitlines()
    assert headline == f"{bad}:1: its header asks for the kernel 'julia', which is not installed in {sys.prefix}"
    assert "pip install ipykernel" in advice


def test_a_package_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr(execute_chapters, "PACKAGE", "no_such_package")
    with pytest.raises(ModuleNotFoundError, match="no_such_package is not installed in"):
        execute_chapters.environment_key()


def test_a_failing_cell_is_named_with_its_line_and_its_error_and_is_not_stored(book):
    good = write_chapter(book, "good", "1 + 1")
    bad = write_chapter(book, "bad", "x = 1", "assert x == 2, 'x is one'")
    first = run(book, good, bad)
    assert first["good"].error is None
    line = bad.read_text(encoding="utf-8").splitlines().index("assert x == 2, 'x is one'")  # that of the fence, from 1
    assert first["bad"].error.startswith(f"{bad}:{line}: cell 4 failed: AssertionError: x is one\n")
    assert "\x1b" not in first["bad"].error
    again = run(book, good, bad)
    assert (again["good"].cached, again["bad"].cached) == (True, False)
    assert again["bad"].error is not None


@pytest.mark.parametrize(
    ("cell", "error"),
    [("import time; time.sleep(60)", "CellTimeoutError"), ("import os; os._exit(1)", "DeadKernelError")],
    ids=["too long", "dead kernel"],
)
def test_a_cell_that_never_ends_is_named(book, cell, error):
    chapter = write_chapter(book, "one", "1 + 1", cell, "2 + 2")
    assert f": cell 4 failed: {error}" in run(book, chapter, timeout=4)["one"].error.splitlines()[0]


def test_an_expected_error_is_part_of_the_chapter(book):
    chapter = write_chapter(book, "one", ":tags: [raises-exception]\n\n1 / 0", "1 + 1")
    assert run(book, chapter)["one"].error is None
    assert run(book, chapter)["one"].cached


def test_an_error_that_was_expected_is_not_taken_for_the_failure(book):
    chapter = write_chapter(book, "one", ":tags: [raises-exception]\n\n1 / 0", "import os; os._exit(1)", "2 + 2")
    assert ": cell 4 failed: DeadKernelError" in run(book, chapter)["one"].error.splitlines()[0]


@pytest.mark.skipif(execute_chapters.cores() < 2, reason="needs two cores: one chapter runs on each")
def test_chapters_run_at_the_same_time(book):
    cell = "import time\nstart = time.time()\ntime.sleep(1.5)\nprint(start, time.time())"
    outcomes = run(book, *(write_chapter(book, name, f"name = {name!r}", cell) for name in ("one", "two")))
    (first, second) = sorted(
        [float(word) for word in outcome.notebook.cells[-1].outputs[0].text.split()] for outcome in outcomes.values()
    )
    assert second[0] < first[1]


def test_a_chapter_runs_in_its_own_folder(book):
    (book / "chapters").mkdir()
    chapter = write_chapter(book / "chapters", "one", "from pathlib import Path", "Path.cwd().name")
    assert shown(run(book, chapter)["one"]) == "'chapters'"


def test_what_runs_and_how_long_it_took_is_reported(book):
    lines = []
    cache = execute_chapters.open_cache(execute_chapters.cache_path(book / "_build"))
    chapter = write_chapter(book, "one", "1 + 1")
    for _ in range(2):
        execute_chapters.execute_all([chapter], cache, report=lines.append)
    start, end, first, second = lines
    assert start == f"executing  {chapter}"
    assert re.fullmatch(rf"executed   {re.escape(str(chapter))}  \d+\.\d s", end)
    assert re.match(r"chapters: 0 from the cache, 1 executed in \d+\.\d s on \d+ cores", first)
    assert re.match(r"chapters: 1 from the cache, 0 executed", second)


def _open(path: Path) -> int:
    return len(execute_chapters.open_cache(path).list_cache_records())


def test_many_processes_may_open_a_new_cache_at_once(tmp_path):
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        assert list(pool.map(_open, [tmp_path / "cache" / "new"] * 8)) == [0] * 8
    assert [folder.name for folder in (tmp_path / "cache").iterdir()] == ["new"]


def test_only_the_newest_caches_are_kept(tmp_path):
    for number in range(execute_chapters.KEPT_CACHES + 2):
        execute_chapters.open_cache(tmp_path / str(number))
        os.utime(tmp_path / str(number), (number, number))
    kept = sorted(int(folder.name) for folder in tmp_path.iterdir())
    assert len(kept) <= execute_chapters.KEPT_CACHES + 1
    assert kept[-execute_chapters.KEPT_CACHES + 1 :] == list(range(3, execute_chapters.KEPT_CACHES + 2))


# The build around it: one small book through Jupyter Book itself, in a process of its own.

CONFIG = dedent("""\
    title: Small
    only_build_toc_files: true
    execute: {execute_notebooks: cache}
    sphinx:
      local_extensions: {small: .}
      extra_extensions: [sphinx_reredirects]
      config: {nb_execution_raise_on_error: true}
    """)
EXTENSION = dedent(f"""\
    import sys
    sys.path.append({str(ROOT / "tools")!r})
    import execute_chapters
    execute_chapters.PACKAGE = "answers"
    setup = execute_chapters.setup
    """)


def build(book: Path) -> tuple[int, str]:
    """Exit status and everything that was printed."""
    command = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build", str(book)]
    done = subprocess.run(
        [*command, "-W", "-n", "--keep-going"], capture_output=True, text=True, check=False, env={**os.environ}
    )
    return done.returncode, re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)


@pytest.fixture
def small_book(book):
    (book / "_config.yml").write_text(CONFIG, encoding="utf-8")
    (book / "small.py").write_text(EXTENSION, encoding="utf-8")
    (book / "_static").mkdir()
    (book / "_static" / "book.css").write_text("p { color: black }\n", encoding="utf-8")
    contents = "format: jb-book\nroot: index\nchapters: [{file: one}, {file: two}, {file: old}]\n"
    (book / "_toc.yml").write_text(contents, encoding="utf-8")
    (book / "index.md").write_text("# Small\n", encoding="utf-8")
    (book / "old.md").write_text("# A page that moves\n", encoding="utf-8")
    write_chapter(book, "one", "import answers", "print('one says', answers.VALUE)")
    write_chapter(book, "two", "import answers", "print('two says', answers.VALUE)")
    return book


def page(book: Path, name: str) -> str:
    return (book / "_build" / "html" / f"{name}.html").read_text(encoding="utf-8")


def test_the_build_executes_what_changed_and_shows_it(small_book):
    status, log = build(small_book)
    assert status == 0, log
    assert "0 from the cache, 2 executed" in log
    assert "Executing notebook" not in log, "Sphinx found no result and executed the chapter itself"
    assert "one says 41" in page(small_book, "one")

    status, log = build(small_book)
    assert (status, "no targets are out of date" in log) == (0, True)

    (small_book / "answers" / "number.py").write_text("VALUE = 42  # longer\n", encoding="utf-8")
    (small_book / "_static" / "book.css").write_text("p { color: navy }\n", encoding="utf-8")
    status, log = build(small_book)
    assert status == 0, log
    assert "0 from the cache, 2 executed" in log
    assert "one says 42" in page(small_book, "one")
    assert "two says 42" in page(small_book, "two")
    assert "navy" in (small_book / "_build" / "html" / "_static" / "book.css").read_text(encoding="utf-8")

    contents = "format: jb-book\nroot: index\nchapters: [{file: one}, {file: new}]\n"
    (small_book / "_toc.yml").write_text(contents, encoding="utf-8")
    (small_book / "old.md").rename(small_book / "new.md")
    moved = CONFIG.replace("error: true", "error: true, redirects: {old: new.html}")
    (small_book / "_config.yml").write_text(moved, encoding="utf-8")
    write_chapter(small_book, "one", "import answers", "print('one says', -answers.VALUE)")
    status, log = build(small_book)
    assert status == 0, log
    assert "one says -42" in page(small_book, "one")
    assert not (small_book / "_build" / "html" / "two.html").exists()
    assert "A page that moves" in page(small_book, "new")
    assert "new.html" in page(small_book, "old")


def test_a_build_that_failed_fails_again_until_it_is_mended(small_book):
    bad = write_chapter(small_book, "two", "x = 1", "assert x == 2, 'x is one'")
    for _ in range(2):
        status, log = build(small_book)
        assert status != 0
        assert re.search(rf"{re.escape(str(bad))}:\d+: cell 4 failed: AssertionError: x is one", log)
        assert "1 chapter(s) failed" in log
    write_chapter(small_book, "two", "x = 1", prose="See {ref}`nowhere`.")
    for _ in range(2):
        status, log = build(small_book)
        assert status != 0
        assert "nowhere" in log
    write_chapter(small_book, "two", "x = 1")
    status, log = build(small_book)
    assert status == 0, log


def test_the_notebook_that_is_offered_is_a_notebook_without_the_macros_of_the_book(book):
    chapter = write_chapter(book, "one", "1 + 1", prose=r"The gradient $\pd{E}{w_{ji}}$ and $\lay{a}{l}$.")
    notebook = portable_notebook(chapter)
    nbformat.validate(notebook)
    assert r"$\frac{\partial E}{\partial w_{ji}}$" in notebook.cells[0].source
    assert r"\lay" not in notebook.cells[0].source
    assert notebook.metadata.kernelspec.name == "python3"
    assert [cell.source for cell in notebook.cells if cell.cell_type == "code"] == ["1 + 1"]
