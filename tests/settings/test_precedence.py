"""Options that are given twice: `--set` before an axis, an axis before its section; pairs of axes; what is recorded."""

import json

import pytest

from randomnet.schema.config import SCHEMA
from randomnet.schema.plan import read_plan
from randomnet.settings import ConfigError
from tests.support.plans import grid

LR = SCHEMA.default(("trainvalidate", "lr"))


def values(made):
    return [combo.values for combo in made.combos]


def recorded(made, tmp_path):
    """The plan that the INI of the results gives, which is to be the one that ran."""
    (tmp_path / "recorded.ini").write_text(made.text)
    again = read_plan(tmp_path / "recorded.ini")
    assert again.combos == made.combos and again.varied == made.varied and not again.notes
    return again


def test_a_setting_replaces_an_axis_and_says_so(plan, tmp_path):
    made = plan(grid('{"lr": [0.3, 0.1], "g": [1, 2]}'), "trainvalidate.lr=0.2")
    assert values(made) == [{"g": 1}, {"g": 2}]
    assert [combo.config.trainvalidate.lr for combo in made.combos] == [0.2, 0.2]
    assert made.notes == ("--set trainvalidate.lr=0.2 counts instead of the axis 'lr' of combos_params",)
    recorded(made, tmp_path)


def test_a_setting_replaces_the_only_axis(plan, tmp_path):
    made = plan(grid('{"lr": [0.3, 0.1]}'), "trainvalidate.lr=0.2")
    assert values(made) == [{}] and "combos_params" not in made.text
    recorded(made, tmp_path)


def test_a_setting_replaces_a_sampled_option(plan, tmp_path):
    laws = '[combosparams]\nsample = {"lr": "uniform 1 2"}\nn_samples = 3\n'
    made = plan(laws, "trainvalidate.lr=0.2")
    assert values(made) == [{}] and made.combos[0].config.trainvalidate.lr == 0.2
    assert made.notes == ("--set trainvalidate.lr=0.2 counts instead of the axis 'lr' of sample",)
    recorded(made, tmp_path)


def test_an_axis_counts_before_the_value_of_its_section(plan, tmp_path):
    made = plan("[model]\nnonlinearity = relu\n" + grid('{"activation": ["tanh_positive", "softplus"]}'))
    assert [combo.config.model.activation for combo in made.combos] == ["tanh_positive", "softplus"]
    (note,) = made.notes
    assert note.startswith("combos_params lists 'activation', which counts instead of model.activation = relu of ")
    recorded(made, tmp_path)


def test_a_grid_of_the_command_line_counts_before_the_value_of_a_section(plan, tmp_path):
    made = plan("[net]\ng = 3\n", 'combosparams.combos_params={"g": [1, 2]}')
    assert values(made) == [{"g": 1}, {"g": 2}] and "net.g = 3" in made.notes[0]
    recorded(made, tmp_path)


def test_a_sample_counts_before_the_value_of_its_section(plan):
    made = plan('[trainvalidate]\nlr = 7\n[combosparams]\nsample = {"lr": "uniform 1 2"}\nn_samples = 1\n')
    assert 1 <= made.config.trainvalidate.lr <= 2
    assert made.notes[0].startswith("sample lists 'lr', which counts instead of trainvalidate.lr = 7 of ")


# ---- unset


@pytest.mark.parametrize("text", ["[trainvalidate]\nlr = 0.5\n", "", grid('{"lr": [0.3, 0.1]}')])
def test_an_empty_setting_unsets_an_option(plan, tmp_path, text):
    made = plan(text, "trainvalidate.lr=")
    assert values(made) == [{}] and made.config.trainvalidate.lr == LR and "lr =" not in made.text
    assert made.notes[0].startswith("--set trainvalidate.lr= unsets it: its default counts")
    assert ("instead of the axis 'lr'" in made.notes[0]) == ("combos_params" in text)
    recorded(made, tmp_path)


def test_an_empty_setting_of_a_text_is_the_empty_text(plan):
    made = plan("[paths]\npretrained = results/a\n", "paths.pretrained=")
    assert made.config.paths.pretrained == "" and not made.notes


# ---- axes of the command line


def test_a_list_adds_an_axis(plan, tmp_path):
    made = plan("[net]\ng = 3\n" + grid('{"lr": [0.3, 0.1]}'), "net.g=[2, 4]")
    assert values(made) == [{"lr": lr, "g": g} for lr in (0.3, 0.1) for g in (2, 4)]
    assert made.notes == ("--set net.g=[2, 4] is an axis of the grid",)
    recorded(made, tmp_path)


def test_a_list_replaces_an_axis_in_its_place(plan, tmp_path):
    made = plan(grid('{"lr": [0.3, 0.1], "g": [1, 2, 3]}'), "trainvalidate.lr=[5, 6]")
    assert values(made) == [{"lr": lr, "g": g} for lr in (5, 6) for g in (1, 2, 3)]
    assert made.notes[0].endswith("is an axis of the grid instead of the axis 'lr' of combos_params")
    recorded(made, tmp_path)


def test_a_list_of_texts_adds_an_axis(plan):
    assert values(plan("", 'net.roi=["EB", "PB"]')) == [{"roi": "EB"}, {"roi": "PB"}]


def test_a_list_stays_the_value_of_an_option_that_may_be_a_list(plan):
    made = plan("[net]\nroi = random\nrank = 3\n", "trainvalidate.freeze_factors=[1, 2]")
    assert made.config.trainvalidate.freeze_factors == (1, 2) and values(made) == [{}]
    assert "is one value, as it may be a list" in made.notes[0]


@pytest.mark.parametrize("key", SCHEMA.options)
def test_an_option_that_reads_brackets_says_that_it_may_be_a_list(key):
    kind = SCHEMA.options[key].value

    def parsed(text):
        try:
            return kind.parse(text)
        except ValueError:
            return None

    reads = isinstance(parsed("[2, 4]"), tuple) and parsed("[2, 4]") == parsed("2, 4")
    assert kind.may_be_list == reads


# ---- pairs


def test_paired_axes_take_their_values_together(plan, tmp_path):
    text = grid('{"lr": [0.3, 0.1], "g": [1, 2, 3], "epochs": [5, 6]}') + "zip = epochs, lr\n"
    made = plan(text)
    expected = [{"epochs": e, "lr": lr, "g": g} for lr, e in ((0.3, 5), (0.1, 6)) for g in (1, 2, 3)]
    assert values(made) == expected and set(made.varied) == {"lr", "g", "epochs"}
    recorded(made, tmp_path)


def test_a_setting_leaves_a_pair_without_its_axis(plan, tmp_path):
    text = grid('{"lr": [0.3, 0.1], "g": [1, 2], "epochs": [5, 6]}')
    made = plan(text + "zip = lr, g, epochs\n", "net.g=7")
    assert values(made) == [{"lr": 0.3, "epochs": 5}, {"lr": 0.1, "epochs": 6}]
    recorded(made, tmp_path)
    alone = plan(text + "zip = lr, g\n", "net.g=7")
    assert len(alone.combos) == 4 and "zip" not in alone.text
    recorded(alone, tmp_path)


def test_a_list_of_the_command_line_can_be_paired(plan):
    made = plan(grid('{"lr": [0.3, 0.1]}'), "net.g=[2, 4]", "combosparams.zip=lr, g")
    assert values(made) == [{"lr": 0.3, "g": 2}, {"lr": 0.1, "g": 4}]


def test_samples_meet_pairs(plan):
    text = grid('{"lr": [0.3, 0.1], "g": [1, 2]}') + 'zip = lr, g\nsample = {"tons": "choice 0.2 0.4"}\nn_samples = 2\n'
    found = [(one["lr"], one["g"]) for one in values(plan(text))]
    assert found == [(0.3, 1), (0.1, 2)] * 2


def test_an_option_twice_names_both_spellings(plan):
    with pytest.raises(ConfigError, match=r"expected once, got it twice, as roi and as net_name$"):
        plan("[net]\nroi = AB\nnet_name = EB\n")
    with pytest.raises(ConfigError, match=r"expected once, got it twice, as subpopulation and as groups$"):
        plan("[model]\nsubpopulation = neuron\ngroups = neuron\n")
    with pytest.raises(ConfigError, match=r"--set: \[net\] g: expected once, got it twice, both times as g$"):
        plan("", "net.g=1", "net.g=2")


def test_the_recorded_grid_is_json(plan):
    text = plan(grid("{'lr': [0.3, 0.1]}"), "net.g=[2, 4]").text.partition("combos_params = ")[2].partition("\n")[0]
    assert json.loads(text) == {"lr": [0.3, 0.1], "net.g": [2, 4]}
