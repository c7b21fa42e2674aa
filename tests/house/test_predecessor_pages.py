"""Pages on the predecessors: every row has a verdict, and the options, templates and files they name exist."""

import re

import pytest

from randomnet.schema.config import SCHEMA
from tests.support.paths import ROOT

PAGES = ("flystability", "bio_rnn_mem")
FILE = ("model", "pt")  # model.pt, which is no option


def text_of(page):
    return (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_every_row_has_a_verdict_and_a_place_or_a_reason(page):
    rows = [line.strip("| ").split(" | ") for line in text_of(page).splitlines() if line.startswith("| ")]
    rows = [row for row in rows if row != ["there", "here"]]
    assert len(rows) > 30
    for row in rows:
        assert len(row) == 2 and re.match(r"(WORKS|not offered): \S", row[1]), row


@pytest.mark.parametrize("page", [*PAGES, "tuning"])
def test_named_options_and_templates_exist(page):
    sections = "|".join(SCHEMA.sections)
    options = [option for option in re.findall(rf"`({sections})\.(\w+)", text_of(page)) if option != FILE]
    assert options or page == "tuning"
    assert [option for option in options if option not in SCHEMA.options] == []
    templates = re.findall(r"`config/(\w+)\.ini`|config/(\w+)\.ini", text_of(page))
    assert all((ROOT / "config" / f"{first or second}.ini").is_file() for first, second in templates)
