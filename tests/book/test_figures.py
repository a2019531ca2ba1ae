"""The moving figures in a browser, on a page opened as a file; and their stages on the pages of a tiny book."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import figures_page
import pytest
from playwright.sync_api import sync_playwright

from hesslib.book import moving

EXTENSIONS = Path(__file__).resolve().parents[2] / "_ext"
TOOLS = EXTENSIONS.parent / "tools"
PATIENCE = 60_000  # milliseconds

each_figure = pytest.mark.parametrize("name", moving.FIGURES)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    return figures_page.write(tmp_path_factory.mktemp("figures")).as_uri()


@pytest.fixture(scope="module")
def browser(chromium):
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield launched
        launched.close()


@pytest.fixture
def opened(browser, address):
    """The page in a fresh profile, with all that it complained of and all that it asked for."""
    context = browser.new_context(viewport={"width": 900, "height": 700})
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    complaints, requests = [], []
    page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(address)
    yield page, complaints, requests
    context.close()


def figure_of(page, name):
    """The stage, scrolled to and drawn."""
    stage = page.locator(f"[data-moving={name}]")
    stage.scroll_into_view_if_needed()
    page.wait_for_selector(f"[data-moving={name}][data-ready]")
    return stage


def said(stage):
    return stage.locator(".moving-says").inner_text()


@each_figure
def test_the_figure_draws_itself_from_a_file_and_asks_for_nothing_outside(opened, name):
    page, complaints, requests = opened
    stage = figure_of(page, name)
    assert re.search(r"\d", said(stage))
    assert not re.search("NaN|undefined", said(stage))
    assert complaints == []
    assert {url.split(":")[0] for url in requests} <= {"file", "data"}


def test_nothing_is_loaded_until_a_figure_comes_into_view_and_then_only_what_it_needs(opened):
    page, _, requests = opened
    page.wait_for_load_state()
    first, last = moving.FIGURES[0], moving.FIGURES[-1]
    assert not any(f"moving/{last}.js" in url for url in requests)
    figure_of(page, last)
    assert any(f"moving/{last}.js" in url for url in requests)
    assert sum("jsxgraphcore.js" in url for url in requests) == 1
    assert any(f"moving/{first}.js" in url for url in requests)


@each_figure
def test_every_control_has_a_name_and_is_moved_by_the_keyboard(opened, name):
    page, complaints, _ = opened
    stage = figure_of(page, name)
    before = said(stage)
    for slider in stage.locator("input[type=range]").all():
        assert slider.evaluate("e => e.labels[0].innerText.trim()")
        slider.focus()
        at = slider.get_attribute("aria-valuetext")
        highest = slider.evaluate("e => e.value === e.max")
        page.keyboard.press("ArrowLeft" if highest else "ArrowRight")
        assert slider.get_attribute("aria-valuetext") != at
        assert said(stage) != before
        before = said(stage)
    for select in stage.locator("select").all():
        assert select.evaluate("e => e.labels[0].innerText.trim()")
        select.focus()
        page.keyboard.press("ArrowDown")
        assert said(stage) != before
        before = said(stage)
    for button in stage.locator("button").all():
        button.focus()
        page.keyboard.press("Enter")
        assert "NaN" not in said(stage)
    assert complaints == []


@each_figure
def test_no_end_of_a_slider_breaks_what_is_said(opened, name):
    page, complaints, _ = opened
    stage = figure_of(page, name)
    for slider in stage.locator("input[type=range]").all():
        for key in ("Home", "End"):
            slider.focus()
            page.keyboard.press(key)
            assert not re.search("NaN|undefined|∞", said(stage)), said(stage)
    assert complaints == []


@pytest.mark.parametrize("name", ["step_size", "direction", "ellipses", "damping", "conjugate", "pruning"])
def test_a_point_is_moved_by_the_arrow_keys_and_by_the_mouse_and_says_where_it_is(opened, name):
    page, complaints, _ = opened
    stage = figure_of(page, name)
    point = stage.locator("[role=slider]")
    assert point.get_attribute("aria-label")
    before, place = said(stage), point.get_attribute("aria-valuetext")
    point.focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowRight")
    assert point.get_attribute("aria-valuetext") != place
    assert said(stage) != before
    before = said(stage)
    box = point.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 20, y - 15, steps=4)
    page.mouse.up()
    assert said(stage) != before
    assert complaints == []


def test_the_cells_are_one_tab_stop_and_the_arrows_choose_among_them(opened):
    page, _, _ = opened
    stage = figure_of(page, "cells")
    assert stage.locator("[role=gridcell][tabindex='0']").count() == 1
    stage.locator("[role=gridcell][tabindex='0']").focus()
    before = said(stage)
    page.keyboard.press("ArrowDown")
    assert said(stage) != before
    assert stage.locator("[role=gridcell][tabindex='0']").count() == 1
    assert stage.locator("[role=gridcell]:focus").get_attribute("aria-selected") == "true"


def test_the_theme_changes_the_colours_and_keeps_what_was_moved(opened):
    page, complaints, _ = opened
    stage = figure_of(page, "pruning")
    stage.locator("input[type=range]").first.focus()
    page.keyboard.press("ArrowRight")
    before, colour = said(stage), stage.evaluate("e => getComputedStyle(e).backgroundColor")
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.wait_for_function(
        "e => e !== getComputedStyle(document.querySelector('[data-moving=pruning]')).backgroundColor", arg=colour
    )
    assert said(stage) == before
    assert stage.locator(":focus").count() == 1
    assert complaints == []


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_no_figure_is_wider_than_the_window(browser, address, width):
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.set_default_timeout(PATIENCE)
    page.goto(address)
    for name in moving.FIGURES:
        figure_of(page, name)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_a_page_with_a_figure_gets_its_stage_and_scripts_and_another_page_does_not(tmp_path):
    files = {
        "_config.yml": "title: Tiny\nauthor: none\nonly_build_toc_files: true\nexecute: {execute_notebooks: force}\n"
        f"sphinx:\n  local_extensions: {{execute_chapters: {str(TOOLS)!r}, ledger: {str(EXTENSIONS)!r}, "
        f"figures: {str(EXTENSIONS)!r}}}\n  config: {{ledger_register: ''}}\n",
        "_toc.yml": "format: jb-book\nroot: index\nchapters: [{file: one}]\n",
        "index.md": "# Tiny\n",
        "one.md": "---\n"
        "jupytext: {text_representation: {extension: .md, format_name: myst}}\n"
        "kernelspec: {display_name: Python 3, language: python, name: python3}\n---\n# One\n\n"
        "```{code-cell} ipython3\nfrom hesslib.book import moving\n\nmoving.show('conjugate')\n```\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    command = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build", "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    site = tmp_path / "_build" / "html"
    page, other = ((site / name).read_text(encoding="utf-8") for name in ("one.html", "index.html"))
    assert 'data-moving="conjugate"' in page
    assert "function direction(" in page
    assert "<noscript>" in page
    assert "figures.js" in page
    assert "figures.css" in page
    assert "figures.js" not in other
    assert "jsxgraph" not in other
    assert 'id="fig-moving-conjugate"' in page
    assert (site / "_static" / "jsxgraph" / "jsxgraphcore.js").is_file()
    assert "MIT" in (site / "_static" / "jsxgraph" / "LICENSE.MIT").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == 1  # the still picture, where JavaScript does not run
    assert 'src="_images' not in page.split("<noscript>")[1].split("<figcaption>")[0]  # on paper only
    command[4:] = ["--builder", "latex", "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    written = next((tmp_path / "_build" / "latex").glob("*.tex")).read_text(encoding="utf-8")
    assert "conjugate}.png" in written or "conjugate.png" in written
    assert (tmp_path / "_build" / "latex" / "conjugate.png").is_file()
