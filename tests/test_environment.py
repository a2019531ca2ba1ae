"""pyproject.toml, requirements.lock, environment.yml and CITATION.cff say the same, and the wheel is whole."""

import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import hesslib

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
LOCK_LINES = [
    line for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines() if not line.startswith("#")
]
LOCK = {canonicalize_name(name): version for name, version in (line.split("==") for line in LOCK_LINES)}
DIRECT = [
    pytest.param(Requirement(text), id=f"{extra}:{text}")
    for extra, texts in {"hesslib": PROJECT["dependencies"], **EXTRAS}.items()
    for text in texts
]


def closure(extras: list[str]) -> set[str]:
    """Every release that the project needs in the running environment, by the metadata of what is installed."""
    todo = [("hesslib", extra) for extra in ["", *extras]]
    seen = set()
    while todo:
        name, extra = todo.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        for text in metadata.requires(name) or []:
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                todo += [(canonicalize_name(needed.name), inner) for inner in ["", *needed.extras]]
    return {name for name, _ in seen} - {"hesslib"}


def test_every_line_of_the_lock_is_a_name_and_a_version():
    assert [line for line in LOCK_LINES if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", line)] == []


def test_the_lock_is_sorted_and_names_nothing_twice():
    names = [line.split("==")[0].lower() for line in LOCK_LINES]
    assert names == sorted(names)
    assert len(LOCK) == len(names)


@pytest.mark.parametrize("requirement", DIRECT)
def test_the_lock_satisfies_the_project(requirement):
    assert requirement.specifier.contains(Version(LOCK[canonicalize_name(requirement.name)]))


def test_the_lock_holds_what_the_project_needs_and_nothing_else():
    build = {"setuptools"}  # installs the project itself
    needed = closure(list(EXTRAS)) | build
    needed = {name for name in needed if not name.startswith(("nvidia-", "cuda-")) and name != "triton"}
    assert needed - LOCK.keys() == set(), "needed but not locked: run make lock"
    assert LOCK.keys() - needed == set(), "locked but not needed: run make lock"


def test_the_lock_builds_the_project():
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["requires"]
    for requirement in map(Requirement, build):
        assert requirement.specifier.contains(Version(LOCK[canonicalize_name(requirement.name)]))


def test_every_dependency_says_why_it_is_there():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = text[text.index("dependencies = [") : text.index("[tool.")]
    unexplained = [line for line in block.splitlines() if line.startswith('    "') and "  # " not in line]
    assert unexplained == []


def test_conda_brings_python_and_pip_brings_the_project_with_every_extra():
    *conda, pip = ENVIRONMENT["dependencies"]
    names = [re.split("[=<> ]", entry)[0] for entry in conda]
    assert names == ["python", "pip"]
    constraint, project = pip["pip"]
    assert constraint == "--constraint requirements.lock"
    folder, extras = re.fullmatch(r"--editable (\.)\[(.*)\]", project).groups()
    assert folder == "."
    assert set(extras.split(",")) == set(EXTRAS)


def test_conda_brings_a_python_that_the_project_allows():
    python = next(entry for entry in ENVIRONMENT["dependencies"] if str(entry).startswith("python="))
    allowed = Requirement(f"python{PROJECT['requires-python']}").specifier
    assert allowed.contains(python.removeprefix("python="))
    assert allowed.contains(".".join(map(str, sys.version_info[:3])))


def test_the_version_is_the_same_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert PROJECT["version"] == hesslib.__version__ == str(citation["version"])


def test_the_licences_are_the_same_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert PROJECT["license"].split(" AND ") == citation["license"]
    assert all((ROOT / name).is_file() for name in PROJECT["license-files"])


def test_the_wheel_carries_the_whole_package_its_types_and_its_licences(tmp_path):
    sources = tmp_path / "sources"
    sources.mkdir()
    listed = subprocess.run(["git", "ls-files", "hesslib"], cwd=ROOT, capture_output=True, text=True, check=False)
    files = listed.stdout.splitlines() or [
        str(path.relative_to(ROOT)) for path in (ROOT / "hesslib").rglob("*") if "__pycache__" not in path.parts
    ]
    for name in [*files, "pyproject.toml", "README.md", *PROJECT["license-files"]]:
        if (ROOT / name).is_file():
            (sources / name).parent.mkdir(parents=True, exist_ok=True)
            (sources / name).write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--wheel-dir", str(tmp_path), str(sources)], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name == f"hesslib-{hesslib.__version__}-py3-none-any.whl"
    inside = set(zipfile.ZipFile(wheel).namelist())
    assert {name for name in files if (ROOT / name).is_file()} <= inside
    assert "hesslib/py.typed" in inside
    info = f"hesslib-{hesslib.__version__}.dist-info"
    assert {f"{info}/licenses/{name}" for name in PROJECT["license-files"]} <= inside
    assert not [name for name in inside if not name.startswith(("hesslib/", info))]


def test_nothing_that_is_committed_names_a_download_address():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    files = [ROOT / name for name in tracked if Path(name).suffix in {".toml", ".lock", ".yml", ".txt", ""}]
    address = re.compile(r"index-url|find-links|https?://\S*(pypi|simple|whl|wheel|conda\.anaconda)")
    assert [file for file in files if file.is_file() and address.search(file.read_text(encoding="utf-8"))] == []


def test_the_examples_of_the_readme_run_and_give_what_they_say(capsys):
    programs = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    (*setting, call), checking = programs[0].strip().splitlines(), programs[1]
    names: dict[str, object] = {}
    exec("\n".join(setting), names)
    assert eval(call, names).shape == (names["net"].num_parameters,)
    exec(checking, names)
    printed = capsys.readouterr().out
    assert "WRONG" in printed
    assert "a constant factor 2" in printed
