"""What the book takes from npm is named exactly, and fetched whole."""

import json

import npm_packages
import pytest


def test_every_package_is_named_with_one_exact_version():
    assert all(npm_packages.EXACT.fullmatch(version) for version in npm_packages.declared().values())


def test_nothing_but_names_and_versions_is_written_down():
    text = (npm_packages.ROOT / "package.json").read_text(encoding="utf-8")
    assert set(json.loads(text)) == {"private", "description", "dependencies"}
    assert "://" not in text
    assert not (npm_packages.ROOT / "package-lock.json").exists()


@pytest.mark.parametrize("range_", ["^1.2.3", "~1.2.3", "1.2", "latest", ">=1.0.0", "*"])
def test_a_range_of_versions_is_refused(tmp_path, monkeypatch, range_):
    (tmp_path / "package.json").write_text(json.dumps({"dependencies": {"thing": range_}}), encoding="utf-8")
    monkeypatch.setattr(npm_packages, "ROOT", tmp_path)
    with pytest.raises(ValueError, match="must be one exact version"):
        npm_packages.declared()


def test_what_is_not_named_is_not_fetched():
    with pytest.raises(ValueError, match=r"package\.json does not name 'left-pad'"):
        npm_packages.folder("left-pad")


@pytest.mark.parametrize("name", npm_packages.declared())
def test_a_package_is_there_in_the_version_that_is_named(name):
    found = json.loads((npm_packages.folder(name) / "package.json").read_text(encoding="utf-8"))
    assert (found["name"], found["version"]) == (name, npm_packages.declared()[name])


def test_node_runs_and_its_failure_is_told():
    assert npm_packages.node("--print", "6 * 7").strip() == "42"
    with pytest.raises(RuntimeError, match="no such luck"):
        npm_packages.node("--eval", "throw new Error('no such luck')")
