"""README.md and docs/: length, links, INIs that are read, pages that follow from the program, and the site's table."""

import importlib.util
import json
import re

import pytest

from randomnet.schema.config import SCHEMA
from randomnet.schema.plan import read_plan
from tests.support.paths import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("**/*.md"))]
FENCE = re.compile(r"(<!-- not read: .+ -->\n)?^```ini\n(.*?)^```", re.MULTILINE | re.DOTALL)
NO_OPTION = {"a", "r", "j", "k", "d_ky", "h_ks", "logs", "trial_params"}  # of equations and predecessors
NAMES = [str(path.relative_to(ROOT)) for path in PAGES]


def text_of(name):
    return (ROOT / name).read_text(encoding="utf-8")


def prose(text):
    """The text without its blocks of code."""
    return re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL)


def slug(heading):
    """The anchor of a heading on the site and on code hosts."""
    words = re.sub(r"[^\w\s-]", "", re.sub(r"[`*]", "", heading).strip().lower())
    return re.sub(r"\s", "-", words)


def anchors(text):
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)}


def script(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_readme_is_a_door():
    assert len(text_of("README.md").splitlines()) <= 150


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name):
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(text_of(name))):
        path, _, anchor = target.partition("#")
        if path.startswith(("http:", "https:", "mailto:")):
            continue
        place = (ROOT / name).parent / path if path else ROOT / name
        if not place.exists() or (anchor and anchor not in anchors(place.read_text(encoding="utf-8"))):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("name", NAMES)
def test_every_ini_is_read(name, tmp_path):
    for number, (reason, text) in enumerate(FENCE.findall(text_of(name))):
        path = tmp_path / f"{number}.ini"
        path.write_text(text, encoding="utf-8")
        if not reason:
            assert read_plan(path).combos


def test_the_pages_have_inis_and_python():
    """Guard of the two tests of snippets: their patterns meet blocks at all."""
    texts = [text_of(name) for name in NAMES]
    assert sum(len(FENCE.findall(text)) for text in texts) > 20
    assert sum(text.count("\n```python\n") for text in texts) > 8


@pytest.mark.parametrize("name", ["options", "templates"])
def test_pages_that_follow_from_the_program_are_as_it_is(name):
    """Run docs/make_reference.py if this fails."""
    assert text_of(f"docs/reference/{name}.md") == getattr(script("make_reference"), f"{name}_page")()


def test_the_notebook_has_the_steps_of_the_tutorial():
    """Run docs/make_pictures.py tutorial if this fails."""
    made = script("make_pictures").notebook()["cells"]
    stored = json.loads(text_of("docs/tutorial.ipynb"))["cells"]
    assert ["".join(cell["source"]) for cell in stored] == [cell["source"] for cell in made]
    assert any(output["output_type"] == "display_data" or "data" in output
               for cell in stored for output in cell.get("outputs", []))  # fmt: skip


def test_every_page_stands_in_the_site_once():
    table = re.findall(r"([\w/]+\.md)$", text_of("mkdocs.yml").partition("\nnav:")[2], re.MULTILINE)
    pages = [str(path.relative_to(ROOT / "docs")) for path in PAGES[2:]]
    assert sorted(table) == sorted([*pages, "changelog.md"])


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith(("README", "docs/"))])
def test_options_in_sentences_exist(name):
    """What stands as `key = value` in a sentence is an option of the INI, or of the tasks."""
    written = re.findall(r"`(?:\[\w+\] )?(\w+) = [^`]*`", prose(text_of(name)))
    known = {key for _, key in SCHEMA.names} | {key for _, key in SCHEMA.options} | NO_OPTION
    assert [key for key in written if key.lower() not in known] == []
