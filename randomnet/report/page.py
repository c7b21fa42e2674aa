"""The HTML of a report: the template filled, with a policy that forbids every request.

report_page   the page as text
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from randomnet.comparison.headlines import Headline
from randomnet.comparison.result_sentences import headline_of
from randomnet.comparison.study import Study
from randomnet.comparison.study_notes import differing_settings
from randomnet.report import contents, tables
from randomnet.report.captions import Caption, caption
from randomnet.report.images import Picture, embedded, pictures_of
from randomnet.report.references import data_references

TEMPLATES = Path(__file__).parent / "templates"
LARGEST = 4_900_000  # bytes of a page
OVERVIEW, BY_COMBO = "overview", "by_combo"
TESTS, MEANS = "tests.csv", "means.csv"
UNKNOWN = Caption("A figure of this study.", "")
MOST_COLUMNS = 8  # of metrics in a table


def report_page(
    study: Study, kind: str, sentences: Sequence[str], metrics: Sequence[str], headlines: Sequence[Headline],
    made_tables: Mapping[str, pd.DataFrame], figures: Sequence[Path], commands: tuple[str, str],
) -> str:  # fmt: skip
    """The page of a study.

    sentences: the result. metrics: of the tables of means and runs. made_tables: file name -> table, with tests.csv.
    figures: the written files, those of single combos in a folder by_combo. commands: of the runner and the visualiser.
    Pictures are left out where the page would be too large.
    """
    headline = headline_of(study, headlines)
    column = headline.column if headline else ""
    tests = made_tables.get(TESTS, pd.DataFrame())
    shown = list(dict.fromkeys([column, *metrics]))[:MOST_COLUMNS]
    shown = [name for name in shown if name in study.runs]
    folders = contents.folders(study)
    values: dict[str, Any] = {
        "title": contents.title(study, kind), "kind": kind, "labels": study.labels, "runs": len(study.runs),
        "options": contents.options(study), "sentences": sentences, "doubts": contents.doubts(study, tests, column),
        "tables": list(_tables(study, shown, tests, made_tables, column)),
        "connectomes": contents.connectomes(study), "differing": differing_settings(study), "folders": folders,
        "commands": contents.commands([folder.name for folder in folders], *commands),
        "references": data_references(study.combos), "data": contents.data(study),
        "computation": contents.computation(study), "software": contents.software(study),
        "answer": tables.answer(study, tests, column),
    }  # fmt: skip
    return _filled(kind, values, pictures_of(figures))


def _tables(
    study: Study, metrics: Sequence[str], tests: pd.DataFrame, made_tables: Mapping[str, pd.DataFrame], headline: str
) -> list[tables.Table]:
    others = [tables.plain(name, table) for name, table in made_tables.items() if name not in (TESTS, MEANS)]
    every = [tables.means(study, metrics), tables.tests(study, tests, headline) if len(tests) else None,
             *others, tables.runs(study, metrics)]  # fmt: skip
    return [table for table in every if table is not None and table.rows]


def _filled(kind: str, values: Mapping[str, Any], paths: Sequence[Path]) -> str:
    """The page with as many pictures as it has room for: the overview first, then the others, then by_combo."""
    style, script = ((TEMPLATES / name).read_text(encoding="utf-8") for name in ("report.css", "report.js"))
    template = _environment().get_template("report.html")
    values = {**values, "style": style, "script": script, "policy": policy(style, script)}
    empty: dict[str, Any] = {"overview": [], "figures": [], "by_combo": [], "not_embedded": []}
    room = LARGEST - len(template.render({**values, **empty}).encode("utf-8", errors="replace"))
    room -= 1500 * len(paths)  # captions and alternative texts
    order = sorted(paths, key=lambda path: (path.parent.name == BY_COMBO, not path.stem.startswith(OVERVIEW)))
    pictures, left = embedded(order, room)
    by_combo = {path.stem for path in order if path.parent.name == BY_COMBO}
    groups: dict[str, Any] = {**empty, "not_embedded": [path.name for path in left]}
    for picture in pictures:
        is_overview = picture.stem.startswith(OVERVIEW)
        group = "by_combo" if picture.stem in by_combo else "overview" if is_overview else "figures"
        groups[group] = [*groups[group], _figure(kind, picture)]
    return template.render({**values, **groups})


def _figure(kind: str, picture: Picture) -> dict[str, Any]:
    said = caption(kind, picture.stem) or UNKNOWN
    return {"picture": picture, "caption": said.text, "name": picture.stem.replace("_", " "),
            "alternative": f"Figure {picture.stem.replace('_', ' ')}: {said.drawn}"}  # fmt: skip


def policy(style: str, script: str) -> str:
    """A content security policy: no request at all, and no style or script but these two."""
    return (f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}; "
            "base-uri 'none'; form-action 'none'")  # fmt: skip


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}'"


def _environment() -> jinja2.Environment:
    """Templates with autoescape: labels, names of files and settings may hold anything."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    environment.filters["json"] = lambda texts: json.dumps(list(texts))
    return environment
