"""Numbers of an earlier stage's combos are names: they have what the combo has of its grid, and no axis of numbers."""

import numpy as np

from randomnet.comparison import combo_texts
from randomnet.figures.grid_layout import numeric_options, option_numbers, value_texts
from tests.support.studies import study_of

CELLS = ("gru", "lstm", "node")


def study(option="source.combo", folder="source.folder"):
    own = study_of({option: [0, 1, 2]}, lambda label, of: np.arange(3.0))
    for number, combo in enumerate(own.combos):
        upstream = {"option": folder, "combo": number, "values": {"architecture": CELLS[number], "hidden_size": 24}}
        combo.loaded.manifest["combos"][0]["connectome"]["upstream"] = [upstream]
    return own


def test_a_combo_of_a_source_is_called_by_its_values():
    for names in (("source.combo", "source.folder"), ("pretrainedparams.pretrained_combo", "paths.pretrained")):
        own = study(*names)
        assert list(value_texts(own.combos, names[0]).values()) == ["0 (gru, 24)", "1 (lstm, 24)", "2 (node, 24)"]
        assert combo_texts.title_text(own.combos[1:2], [names[0]]) == f"{names[0]} = 1 (lstm, 24)"


def test_without_a_record_of_the_source_it_is_called_by_its_number():
    own = study(folder="paths.pretrained")
    assert list(value_texts(own.combos, "source.combo").values()) == ["0", "1", "2"]


def test_numbers_of_combos_are_no_quantity():
    own = study()
    assert option_numbers(own.combos, "source.combo") == {} and numeric_options(own, own.combos) == []
    other = study_of({"g": [0, 1, 2]}, lambda label, of: np.arange(3.0))
    assert numeric_options(other, other.combos) == ["g"]
