"""The text of an INI: the grid, overrides, comments and encodings."""

import dataclasses
import itertools
import re

import pytest

from randomnet.schema.config import default_config
from randomnet.schema.plan import read_plan
from randomnet.settings import ConfigError, Share
from randomnet.settings.values import names_text
from tests.support.plans import grid


@pytest.mark.parametrize(
    ("text", "ending"),
    [
        ("[net]\nrank = 2\nbackground = False\ng = 2\n", "g: expected 1.0 with background = False, which leaves out "
         "the weights, got '2'; leave it out"),
        ("[trialparams]\ntask_name = reach\n[trainvalidate]\ntruncate = 5\n", "truncate: expected 0 with task_name = "
         "reach, got '5'; leave it out"),
        ("[net]\nroi = random\ndales_law = True\n", "dales_law: expected auto or False with roi = random, whose "
         "neurons have weights of both signs, got 'True'"),
    ],
)  # fmt: skip
def test_an_option_that_contradicts_another_is_to_be_left_out_where_no_run_reads_it(plan, text, ending):
    with pytest.raises(ConfigError, match=f"{re.escape(ending)}$"):
        plan(text)


# ---- the grid


def test_a_key_of_several_sections_is_that_of_the_kind_in_any_case(plan):
    text = "[experiment]\nkind = Fit\n[source]\nfolder = recordings\n" + grid('{"hidden_size": [2, 3]}')
    assert [combo.config.inference.hidden_size for combo in plan(text).combos] == [2, 3]


def test_a_grid_of_a_kind_that_there_is_not_names_the_kind(plan):
    with pytest.raises(ConfigError, match=r"\[experiment\] kind: expected one of .*got 'fitt'; did you mean 'fit'"):
        plan("[experiment]\nkind = fitt\n" + grid('{"hidden_size": [2, 3]}'))


def test_a_name_in_the_grid_is_a_text(plan):
    with pytest.raises(ConfigError, match=r"combos_params: expected names of options such as \"lr\", got 1$"):
        plan(grid("{1: [2]}"))


def test_the_grid_is_the_product_in_written_order(plan):
    axes = {"tons": [0.2, 0.4], "lr": [0.3, 0.1, 0.2], "activation": ["relu", "linear"]}
    made = plan(grid('{"tons": [0.2, 0.4],\n "lr": [0.3, 0.1, 0.2],\n "activation": ["relu", "linear"]}'))
    assert made.varied == tuple(axes)
    assert [combo.index for combo in made.combos] == list(range(12))
    for combo, values in zip(made.combos, itertools.product(*axes.values()), strict=True):
        assert combo.values == dict(zip(axes, values, strict=True))
        read = combo.config
        assert (read.lyapunov.tons, read.trainvalidate.lr, read.model.activation) == values


def test_json_values_mean_what_they_mean_in_their_section(plan):
    made = plan(grid('{"train_weights": [true, false], "nle": [3, "5%", "12.5%"], "early_stopping": [0, 7]}'))
    found = [
        (c.config.trainvalidate.train_weights, c.config.lyapunov.nle, c.config.trainvalidate.early_stopping)
        for c in made.combos
    ]
    assert found == list(itertools.product((True, False), (3, Share(5.0), Share(12.5)), (0, 7)))
    assert made.combos[0].values == {"train_weights": True, "nle": 3, "early_stopping": 0}  # as written


def test_texts_numbers_and_words_in_one_list(plan):
    text = grid('{"tons": ["adaptive", 1, "0.5"], "number_param": ["all", 3, "3 2 1"]}')
    made = plan(text, "trainvalidate.train_weights=True")
    tons = [combo.config.lyapunov.tons for combo in made.combos[::3]]
    counts = [combo.config.trainvalidate.number_param for combo in made.combos[:3]]
    assert tons == ["adaptive", 1.0, 0.5] and counts == ["all", 3, (3, 2, 1)]


def test_a_section_dot_key_and_an_alias_name_an_option(plan):
    made = plan(grid('{"model.dt": [0.1, 0.05], "subpopulation": ["neuron", "cell_fibers"]}'))
    assert made.varied == ("dt", "groups")  # one name per option, however it was written
    assert [(c.config.model.dt, c.config.model.groups) for c in made.combos] == [
        (0.1, "neuron"), (0.1, "cell_fibers"), (0.05, "neuron"), (0.05, "cell_fibers"),
    ]  # fmt: skip


POPULATIONS = "[net]\nsource = populations\n[populations]\nsizes = E: 8, I: 4\n"


def test_one_name_of_an_option_is_an_axis_and_the_others_stay(plan):
    text = POPULATIONS + "couplings = EE: 1, EI: -1\n"
    made = plan(text + grid('{"couplings.EE": [2, 0.5], "populations.couplings.II": [-3], "in_degree": [2, 3]}'))
    assert made.varied == ("couplings.EE", "couplings.II", "in_degree")
    found = [dict(combo.config.populations.couplings) for combo in made.combos]
    assert found[0] == {"EE": 2, "EI": -1, "II": -3} and found[-1] == {"EE": 0.5, "EI": -1, "II": -3}
    assert made.combos[1].values == {"couplings.EE": 2, "couplings.II": -3, "in_degree": 3}
    without = plan(POPULATIONS + grid('{"couplings.EE": [2]}'))  # laid over the default
    assert dict(without.config.populations.couplings) == {"EE": 2, "EI": -1.5, "IE": 1, "II": -1}


@pytest.mark.parametrize(
    ("axes", "error"),
    [
        ('{"couplings.EE": ["much"]}', "got 'EE: much, EI: -1.5, IE: 1.0, II: -1.0'"),
        ('{"lr.EE": [1]}', "expected an option with names; trainvalidate.lr has none"),
        ('{"in_degree.E": [1]}', "in_degree.E: expected names with numbers"),
        ('{"couplings.EE": [1], "couplings": ["EE: 1"]}', "every option once, got populations.couplings twice"),
        ('{"populations.couplings.EE": [1], "couplings.EE": [2]}', "every option once"),
    ],
)
def test_names_that_are_no_axes(plan, axes, error):
    with pytest.raises(ConfigError, match=re.escape(error)):
        plan(POPULATIONS + grid(axes))


@pytest.mark.parametrize("text", ["", "[combosparams]\n", grid(""), grid("{}")])
def test_without_a_grid_there_is_one_combo(plan, text):
    made = plan(text)
    assert [(combo.index, combo.values) for combo in made.combos] == [(0, {})] and made.varied == ()
    assert made.config == dataclasses.replace(default_config(), combosparams=made.config.combosparams)


def test_an_option_of_some_combos_is_read_in_those(plan):
    made = plan("[lyapunov]\ntarget = 0.5\n" + grid('{"loss": ["sinai", "mse"]}'))
    assert ["lyapunov.target" in combo.config.settings() for combo in made.combos] == [False, True]


# ---- overrides, comments, encodings


def test_overrides_win_and_add(plan):
    written = "[lyapunov]\nnle = 5\ntsim = 50\n"
    made = plan(written, "lyapunov.nle=20%", "model.nonlinearity = relu", 'combosparams.combos_params={"lr": [1, 2]}')
    assert made.config.lyapunov.nle == Share(20.0) and made.config.lyapunov.tsim == 50.0
    assert [(c.config.model.activation, c.config.trainvalidate.lr) for c in made.combos] == [("relu", 1), ("relu", 2)]


def test_an_override_may_hold_an_equals_sign_and_replaces_an_alias(plan):
    made = plan("[model]\nnonlinearity = relu\n", "paths.path_to_results=a=b", "model.activation=linear")
    assert (made.config.paths.path_to_results, made.config.model.activation) == ("a=b", "linear")


@pytest.mark.parametrize("comment", ["; why", "# why", "#why", ";"])
def test_comments(plan, comment):
    made = plan(f"{comment}\n[trainvalidate] {comment}\n{comment}\nlr = 0.5 {comment}\n  {comment}\nepochs = 3\n")
    assert (made.config.trainvalidate.lr, made.config.trainvalidate.epochs) == (0.5, 3)


@pytest.mark.parametrize("path", ["100%/a%(b)s", "${HOME}x", "a;b#c", "Zoë/結果", "with blanks", "C:\\a"])
def test_paths_stay_as_written(plan, path):
    assert plan(f"[paths]\npath_to_results = {path}\n").config.paths.path_to_results == path


def test_byte_order_mark_windows_lines_and_a_name_that_is_not_ascii(plan):
    text = "[experiment]\nname = Größe\n[lyapunov]\nnle = 7\n"
    made = plan(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode(), name="réglage.ini")
    assert (made.config.experiment.name, made.config.lyapunov.nle) == ("Größe", 7)


def test_an_error_lists_few_names_and_of_many_the_nearest(tmp_path):
    few, many = ["trials", "steps"], [f"number_{index}" for index in range(30)]
    assert names_text("trails", few) == "trials, steps"
    assert names_text("number_07", [*many, "steps"]).startswith("31 names, of which number_7, ")
    path = tmp_path / "a.ini"
    path.write_text("[trialparams]\nn_bak = 2\n")
    with pytest.raises(ConfigError) as error:
        read_plan(path)
    told = str(error.value)
    assert "expected one of " in told and "(--help-config trialparams lists all); did you mean 'n_back'?" in told
    assert told.count(",") < 8 and "n_back" in told.split("names, of which ")[1].split(" are nearest")[0]
