"""docs/ctd_benchmark.md: every row says WORKS or gives a reason, and what it names exists."""

import re

from randomnet.figures import FIGURES
from randomnet.kinds import KINDS
from randomnet.metrics import scores
from randomnet.results.columns import TABLES
from randomnet.schema.config import SCHEMA
from randomnet.settings.values import Choice
from randomnet.tasks import TASKS
from tests.support.paths import ROOT

WORDS = {"WORKS", "not offered", "not needed"}
ARRAYS = {"train_extra", "valid_extra", "train_inputs", "valid_inputs", "train_rates", "test_rates", "test_latents",
          "test_inferred_inputs", "plane_explained", "train_spikes_heldin", "train_spikes_heldout", "psth",
          "eval_cond_idx", "psth_r2"}  # fmt: skip
DRAWN = {"trial", "rates", "linearised", "dynamics", "dsa_search", "trajectories_3d"}  # stems of figures


def rows():
    page = (ROOT / "docs" / "ctd_benchmark.md").read_text(encoding="utf-8")
    for line in page.splitlines():
        if line.startswith("|") and not line.startswith(("| there", "|---")):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


def known():
    options = {name for key in SCHEMA.options for name in (key[1], ".".join(key))}
    choices = {name for option in SCHEMA.options.values() if isinstance(option.value, Choice)
               for name in option.value.names}  # fmt: skip
    columns = {column.name for table in TABLES for column in table.columns} | {score.column for score in scores()}
    return options | choices | columns | set(TASKS) | set(KINDS) | set(FIGURES) | ARRAYS | DRAWN


def test_every_row_works_or_has_a_reason():
    for there, *here in rows():
        assert len(here) == 1, f"{there}: expected two cells"
        start = next((word for word in WORDS if here[0].startswith(word)), None)
        assert start, f"{there}: expected WORKS or not offered, got {here[0]}"
        assert start == "WORKS" or len(here[0]) > len(start) + 20, f"{there}: expected a reason"


def test_what_the_page_names_exists():
    names = known()
    for there, here in rows():
        for code in re.findall(r"`([^`]+)`", here):
            for part in re.split(r" = ", code):
                if re.fullmatch(r"[a-z0-9_]+(\.[a-z0-9_]+)?", part) and part not in ("random", "True"):
                    assert part in names, f"{there}: {part} is no option, value, column, array or figure"
