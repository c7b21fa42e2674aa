"""report.html: what it holds, in which order, what it never does, and what hostile names cannot do to it."""

import ast
import io
import itertools
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import visualization
from randomnet.comparison import result_sentences
from randomnet.formats import FORMATS, SIGN_POLICIES
from randomnet.report import images, page, tables
from randomnet.report.captions import CAPTIONS, caption
from randomnet.report.references import REFERENCES, SHORT, data_references
from tests.support.paths import ROOT
from tests.support.spectral_folders import gather, make

SECTIONS = ["result", "overview", "doubts", "tables", "figures", "connectome", "settings", "reproduce", "references"]
HOSTILE = "<script>alert(1)</script>\"'&amp;"


class Reader(HTMLParser):
    """All tags of a page with their attributes, and its text outside of style and script."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts, self.open_tags = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag in ("style", "script"):
            self.open_tags.append(tag)

    def handle_endtag(self, tag):
        if tag in self.open_tags:
            self.open_tags.remove(tag)

    def handle_data(self, text):
        if not self.open_tags:
            self.texts.append(text)

    def of(self, *names):
        return [attributes for tag, attributes in self.tags if tag in names]

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())


def report_of(folder, out, *more):
    assert visualization.main(["--results_folders", str(folder), "--save_figs", str(out), *more]) == 0
    return (out / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    root = tmp_path_factory.mktemp("report")
    folder = make(root / "spectra", "spectrum", {"g": [1, 1.5, 2]}, ends={(2, 1): ("diverged", {"lambda_max": None})})
    return report_of(folder, root / "figs")


def test_the_sections_come_in_their_order_with_headings_in_order(text):
    reader = Reader(text)
    assert [attributes["id"] for attributes in reader.of("section")] == SECTIONS
    levels = [int(tag[1]) for tag, _ in reader.tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_the_result_is_that_of_the_console_and_the_crossing_is_told(text, capsys):
    said = Reader(text).text
    assert "Largest Lyapunov exponent is highest at g = 2, of 3 combos: 0.4" in said
    assert "chaos begins at g = 1.2" in said  # the made-up medians cross zero there
    assert "spectra: 1 of 9 runs diverged: combo 2 iteration 1" in said


def test_every_link_stays_in_the_page_and_every_picture_is_inside(text):
    reader = Reader(text)
    targets = [a["href"] for a in reader.of("a", "link")] + [a["src"] for a in reader.of("img", "script") if "src" in a]
    assert all(target.startswith(("#", "data:")) for target in targets) and reader.of("img")
    (policy,) = [a["content"] for a in reader.of("meta") if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; img-src data:;") and "unsafe" not in policy
    assert not re.search(r"https?://", text)


def test_every_picture_has_an_alternative_text_and_every_table_a_caption_and_scopes(text):
    reader = Reader(text)
    assert all(len(attributes["alt"]) > 20 for attributes in reader.of("img"))
    assert len(reader.of("caption")) == len(reader.of("table"))
    assert {attributes.get("scope") for attributes in reader.of("th")} == {"col", "row"}
    assert page.UNKNOWN.drawn not in text


def test_a_page_is_the_same_each_time(tmp_path, text):
    folder = make(tmp_path / "spectra", "spectrum", {"g": [1, 2]})
    assert report_of(folder, tmp_path / "one") == report_of(folder, tmp_path / "two")


def test_hostile_names_stay_text(tmp_path):
    folder = make(tmp_path / "a", "spectrum", {"net.roi": [HOSTILE, "x"]}, name=HOSTILE)
    (folder / "config.ini").write_text(f"[net]\nroi = {HOSTILE}</pre>\n")
    reader = Reader(report_of(folder, tmp_path / "figs", "--results_labels", HOSTILE))
    assert len(reader.of("script")) == 1 and HOSTILE in reader.text
    assert not any(name.startswith("on") for _, attributes in reader.tags for name in attributes)
    choices = [json.loads(attributes["data-choices"]) for attributes in reader.of("th") if "data-choices" in attributes]
    assert [HOSTILE, "x"] in choices


def test_pictures_that_do_not_fit_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "LARGEST", 22_000)
    text = report_of(make(tmp_path / "a", "spectrum", {"g": [1, 2]}), tmp_path / "figs")
    assert len(text) < 22_000 and "Not in this page, to keep it small: " in text


def test_a_picture_keeps_its_shape_and_is_smaller():
    rng = np.random.default_rng(1)
    picture, buffer = Image.fromarray(rng.integers(0, 255, (300, 600, 3), dtype=np.uint8)), io.BytesIO()
    picture.save(buffer, format="PNG", dpi=(400, 400))
    data, width, height = images.reduced(buffer.getvalue())
    assert (width, height) == (180, 90)  # 1.5 by .75 inches
    with Image.open(io.BytesIO(data)) as small:
        assert small.size == (300, 150) and len(data) < len(buffer.getvalue())


NAMERS = {"figure_stem", "example_networks", "grid_figures", "option_dependence_figures", "dot_plots_by_option"}


def beginning(node):
    """The text with which a literal text or f-string begins; empty for other expressions."""
    node = node.values[0] if isinstance(node, ast.JoinedStr) else node
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def stems():
    """The texts with which names of figures begin, as the functions that draw them have them, by module."""
    for path in (ROOT / "randomnet" / "figures").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in NAMERS:
                yield from ((path.stem, text) for text in list(filter(None, map(beginning, node.args)))[:1])
            elif isinstance(node, ast.Yield) and isinstance(node.value, ast.Tuple):
                yield from ((path.stem, text) for text in [beginning(node.value.elts[0])] if text)


def test_every_figure_has_a_caption():
    begun = set(stems())
    assert len(begun) > 15
    assert [stem for stem in begun if caption(*stem) is None] == []
    assert all(each.drawn.endswith(".") and each.text.count(". ") < 8 for each in CAPTIONS.values())


def test_every_study_that_a_format_names_has_its_full_reference():
    sources = [row.source for row in (*FORMATS.values(), *SIGN_POLICIES.values())]
    named = {short for source in sources for short in SHORT.findall(source)}
    assert named and named <= set(REFERENCES)


def test_a_synthetic_network_is_cited_as_none(tmp_path):
    combos = gather(make(tmp_path / "a", "spectrum", {"g": [1, 2]})).combos
    of_data, of_program = data_references(combos)
    assert "no connectome is to be cited" in of_data.texts[0]
    assert "CITATION.cff" in of_program.texts[0]


def test_a_table_of_many_rows_says_where_the_others_are(monkeypatch):
    monkeypatch.setattr(page.tables, "MOST_ROWS", 5)
    table = page.tables.plain("spread.csv", pd.DataFrame({"a": np.arange(8), "b": list("aabbccdd")}))
    assert (len(table.rows), table.left, table.file) == (5, 3, "spread.csv")
    assert table.columns[1].choices == ("a", "b", "c", "d")


def test_the_page_begins_with_data_version_and_command(tmp_path):
    root = make(tmp_path / "spectra", "spectrum", {"g": [1, 2]})
    begin = Reader(report_of(root, tmp_path / "figs")).text.split(" Result Overview ")[0]
    assert "Data: random (synthetic, " in begin and re.search("Made again by .*spectra/config.ini", begin)
    manifest = json.loads((root / "manifest.json").read_text(encoding="utf-8"))
    assert f"RandomNet {(manifest.get('versions') or {}).get('randomnet', 'of an unknown version')}" in begin


def test_the_result_has_p_of_every_cell(tmp_path):
    study = gather(make(tmp_path / "a", "spectrum", {"g": [1.0, 2.0], "null": ["none", "degree"]}, iterations=8))
    shift = study.runs["g"].astype(float) * (study.runs["null"] == "none") + 0.01 * study.runs["iteration"]
    study = replace(study, runs=study.runs.assign(lambda_max=shift, status="complete"))
    tested = result_sentences.tests_of(study, ("lambda_max",))
    answer = tables.answer(study, tested, "lambda_max")
    assert [column.name for column in answer.columns][:3] == ["g", "p", "a - b"]
    assert "of a (null=none) and b (null=degree)" in answer.caption
    for row, test in zip(answer.rows, tested.to_dict("records"), strict=True):
        assert float(row[1].value) == test["p"] == 2 / 2**8  # all eight differences are positive
        assert float(row[2].value) == pytest.approx(test["g"])  # none is above degree, by g
    assert tables.answer(study, tested[:1], "lambda_max") is None  # the sentence has it


def test_notes_of_means_name_the_metrics_they_are_about(tmp_path):
    study = gather(make(tmp_path / "a", "spectrum", {"g": [1.0]}))
    (row,) = tables.means(study, ("lambda_max", "tsim_used")).rows
    assert row[-1].text == "lambda_max not converged: 1 of 3 runs"
    (row,) = tables.means(study, ("lambda_max",)).rows
    assert row[-1].text == "not converged: 1 of 3 runs"
