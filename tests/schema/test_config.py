"""The schema: registries, spellings of predecessors, seeds, and what the text of an experiment means."""

import dataclasses
import re

import numpy as np
import pytest

import runrandomnet
from randomnet import (
    initialisation,
    instantiation,
    optimizers,
    rnn,
    simulation,
)
from randomnet.build import populations
from randomnet.build.network import PRECISIONS, build_setup
from randomnet.build.targets import exponents_of, target_of
from randomnet.kinds.simulate.options import PATTERNS
from randomnet.schema.config import SCHEMA
from randomnet.schema.plan import STREAMS, read_plan
from randomnet.schema.sections.network import BUILT_IN_ROIS, TRAINED
from randomnet.settings import ConfigError, Share
from randomnet.settings.help import help_text
from randomnet.synthetic.populations import KERNELS
from randomnet.synthetic.regions import INITIALISATIONS
from randomnet.synthetic.rois import ROI_STATISTICS
from tests.support.plans import grid


def chosen(key):
    value = SCHEMA.options[key].value
    return getattr(value, "terms", value).names


# ---- the schema


@pytest.mark.parametrize(
    ("listed", "registered"),
    [
        (chosen(("populations", "kernels")), KERNELS),
        (PATTERNS, (*(name for name in simulation.PATTERNS if name != "vector"), "random", "channel",
                    *populations.VECTORS)),
        (chosen(("simulation", "keep")), simulation.VARIABLES),
        (chosen(("regions", "initialisation")), INITIALISATIONS),
        (chosen(("model", "form")), rnn.FORMS),
        (chosen(("model", "integrator")), rnn.INTEGRATORS),
        (chosen(("trainvalidate", "init")), ("connectome", *initialisation.BOUNDS)),
        (chosen(("net", "density_scaling")), instantiation.DENSITY_SCALINGS),
        (chosen(("trainvalidate", "optimizer")), optimizers.OPTIMIZERS),
        (chosen(("trainvalidate", "precision")), PRECISIONS),
        (BUILT_IN_ROIS, ROI_STATISTICS),
    ],
    ids=["kernels", "patterns", "kept", "initialisations", "forms", "integrators", "inits",
         "densities", "optimizers", "precisions", "ROIs"],
)
def test_the_schema_lists_what_the_registries_hold(listed, registered):
    assert tuple(listed) == tuple(registered)


def test_predecessor_spellings_lead_to_names():
    for about in SCHEMA.options.values():
        for name in getattr(about.value, "spellings", {}).values():
            assert name in about.value.names


def test_every_section_and_option_has_a_sentence():
    for section, kind in SCHEMA.sections.items():
        assert kind.__doc__.startswith(f"[{section}] ") and kind.__doc__.endswith(".")
    for (section, key), about in SCHEMA.options.items():
        assert len(about.says.split()) >= 2 and about.says.endswith("."), f"{section}.{key}"


def test_defaults_are_values_their_options_allow():
    """Written out, the default of every available option is itself."""
    for (section, key), about in SCHEMA.options.items():
        default = getattr(SCHEMA.sections[section], key)
        assert about.value.parse(str(default)) == default, f"{section}.{key}"


def test_no_name_means_two_options_of_a_section():
    names = [(section, name) for (section, key), about in SCHEMA.options.items() for name in (key, *about.aliases)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("section", [None, *SCHEMA.sections])
def test_help_explains_every_option(section):
    text = help_text(SCHEMA, section)
    assert [line.split("]")[0][1:] for line in text.splitlines() if line.startswith("[")] == (
        list(SCHEMA.sections) if section is None else [section]
    )
    for (owner, key), about in SCHEMA.options.items():
        if section in (None, owner):
            part = f"\n{text}".partition(f"\n[{owner}]")[2]
            block = re.split(rf"\n  {key}(?=\n| \()", part, maxsplit=1)[1]
            block = re.split(r"\n  (?=\w)", block, maxsplit=1)[0]
            default = getattr(SCHEMA.sections[owner], key)
            assert about.says in block
            assert f"allowed: {about.value.expected}; default: {'empty' if default == '' else default}" in block
            assert all(f" {name}: {value}" in block for name, value in about.defaults.items())
            assert all(alias in block for alias in about.aliases)
            conditions = [condition.words for condition in (about.where, about.only) if condition]
            assert ("only where" in block) == bool(conditions) and all(words in block for words in conditions)


def test_help_says_who_reads_an_option_only_where_it_narrows():
    lines = help_text(SCHEMA, "trainvalidate").splitlines()
    fit = lines.index("      read by kind = fit")
    assert lines[fit - 1] == "      allowed: a number above 0; default: 1e-08 (inference.architecture = lfads: 1e-07)"
    assert "read by" not in help_text(SCHEMA, "inference").partition("\n")[2].partition("\n")[2]


def test_help_says_what_each_kind_does():
    text = help_text(SCHEMA, "experiment")
    assert all(f"\n        {name}: {reader.text}\n" in text for name, reader in SCHEMA.readers.items())


@pytest.mark.parametrize("key", SCHEMA.options)
def test_a_sentence_has_at_most_25_words(key):
    for sentence in re.split(r"(?<=[.;]) ", SCHEMA.options[key].says):
        assert len(sentence.split()) <= 25, sentence


def printed(capsys, *arguments):
    assert runrandomnet.main(["--help-config", *arguments]) == 0
    return capsys.readouterr().out


def test_help_is_printed(capsys):
    assert help_text(SCHEMA) in printed(capsys, "all")
    assert help_text(SCHEMA, "net") in printed(capsys, "[net]")


def test_help_without_a_word_lists_each_section_in_one_line(capsys):
    lines = printed(capsys).splitlines()
    assert [line.split()[0] for line in lines[: len(SCHEMA.sections)]] == [f"[{name}]" for name in SCHEMA.sections]
    assert len(lines) < len(SCHEMA.sections) + 8 and max(map(len, lines)) <= 120
    assert all(len(line.split()) > 2 for line in lines[: len(SCHEMA.sections)])


@pytest.mark.parametrize(
    ("word", "keys"),
    [
        ("nle", ["lyapunov.nle"]),
        ("lyapunov.nle", ["lyapunov.nle"]),
        ("NLE", ["lyapunov.nle"]),
        ("net_name", ["net.roi"]),  # another name of it
        ("net.net_name", ["net.roi"]),
        ("couplings.EE", ["populations.couplings"]),
        ("hidden_size", ["model.hidden_size", "inference.hidden_size"]),
    ],
)
def test_help_explains_one_key(capsys, word, keys):
    text = printed(capsys, word)
    assert re.findall(r"^\[(\w+)\]", text, re.M) == [name.partition(".")[0] for name in keys]
    assert re.findall(r"^  (?!read by|not read by)(\w+)", text, re.M) == [name.partition(".")[2] for name in keys]
    assert all(SCHEMA.options[tuple(name.split("."))].says in text for name in keys)


@pytest.mark.parametrize("kind", SCHEMA.readers)
def test_help_of_a_kind_has_what_it_reads_with_its_defaults(capsys, kind):
    text = printed(capsys, "--kind", kind)
    assert text.startswith(f"kind = {kind}: {SCHEMA.readers[kind].text}\n")
    found, section = {}, ""
    for line in text.splitlines():
        section = line[1 : line.index("]")] if line.startswith("[") else section
        if name := re.match(r"  (\w+)", line):
            found[section, name[1]] = ""
        elif line.startswith("      allowed: "):
            found[list(found)[-1]] = line.rpartition("; default: ")[2]
    assert list(found) == [key for key, about in SCHEMA.options.items() if kind in about.readers]
    for key, default in found.items():
        own = SCHEMA.options[key].defaults.get(kind, SCHEMA.default(key))
        assert default.startswith("empty" if own == "" else str(own))


def test_help_of_a_kind_and_a_word_has_both(capsys):
    text = printed(capsys, "trainvalidate", "--kind", "spectrum")
    assert "\n  iterations" in text and "\n  lr" not in text and "[net]" not in text


# ---- spellings of the predecessors


@pytest.mark.parametrize(
    ("section", "written", "meant"),
    [
        ("net", "net_name = AB", {"roi": "AB"}),
        ("model", "nonlinearity = tanh_streched", {"activation": "tanh_stretched"}),
        ("model", "activation = tanh_strech", {"activation": "tanh_stretched"}),
        ("model", "activation = strech", {"activation": "tanh_stretched"}),
        ("model", "activation = pos", {"activation": "tanh_positive"}),
        ("model", "activation = tanh_pos", {"activation": "tanh_positive"}),
        ("model", "activation = TANH_POSITIVE", {"activation": "tanh_positive"}),
        ("model", "subpopulation = cell_fibres", {"groups": "cell_fibers"}),
        ("model", "groups = TYPE", {"groups": "type"}),
        ("model", "groups = Cluster 2", {"groups": "Cluster 2"}),
        ("trainvalidate", "loss = MSE", {"loss": "mse"}),
        ("trainvalidate", "loss = Sinai", {"loss": "sinai"}),
        ("trainvalidate", "loss = L2", {"loss": "l2"}),
        ("trainvalidate", "optimizer = adam", {"optimizer": "Adam"}),
        ("trainvalidate", "n_samples = 5", {"iterations": 5}),
        ("trainvalidate", "EPOCHS = 5", {"epochs": 5}),
        ("trainvalidate", "train_weights = yes", {"train_weights": True}),
        ("trainvalidate", "number_param = 100 0 0\ntrain_weights = 1\ntrain_gains = 0\ntrain_shifts = off",
         {"number_param": (100, 0, 0), "train_weights": True, "train_gains": False, "train_shifts": False}),
        ("lyapunov", "target = 1.25:-1.25", {"target": (1.25, -1.25)}),
        ("lyapunov", "target = -2", {"target": -2.0}),
        ("lyapunov", "target = curve.txt", {"target": "curve.txt"}),
        ("lyapunov", "nle = 100%", {"nle": Share(100.0)}),
    ],
)  # fmt: skip
def test_spellings(plan, section, written, meant):
    found = getattr(plan(f"[{section}]\n{written}\n").config, section)
    assert {key: getattr(found, key) for key in meant} == meant


def test_plain_tanh_is_std(plan):
    """`std` has neither gains nor shifts, so weights are what can be trained."""
    trained = "[trainvalidate]\ntrain_weights = 1\ntrain_gains = 0\ntrain_shifts = 0\n"
    assert plan(f"[model]\nactivation = std\n{trained}").config.model.activation == "tanh"


@pytest.mark.parametrize("target", ["", "[lyapunov]\ntarget = 1.25:-1.25\n"])
def test_mse_custom_is_mse_with_its_curve(plan, target):
    made = plan(f"{target}[trainvalidate]\nloss = MSE_Custom\n")
    assert (made.config.trainvalidate.loss, made.config.lyapunov.target) == ("mse", (1.25, -1.25))


def test_mse_custom_as_one_of_several_losses(plan):
    made = plan(grid('{"loss": ["MSE", "MSE_Custom", "l2"]}'))
    assert [(c.config.trainvalidate.loss, c.config.lyapunov.target) for c in made.combos] == [
        ("mse", 0.0), ("mse", (1.25, -1.25)), ("l2", 0.0),
    ]  # fmt: skip


# ---- seeds


def first(run, stream):
    return run.generator(stream).standard_normal(4).tolist()


def test_the_same_iteration_draws_the_same_in_every_combo(plan):
    made = plan("[trainvalidate]\niterations = 3\n" + grid('{"lr": [1, 2], "activation": ["relu", "linear"]}'))
    for runs in zip(*(combo.runs() for combo in made.combos), strict=True):
        assert len({run.iteration for run in runs}) == 1 and len(runs) == 4
        for stream in STREAMS:
            assert all(first(run, stream) == first(runs[0], stream) for run in runs)


def test_streams_iterations_and_seeds_differ(plan):
    draws = [
        tuple(first(run, stream))
        for seed in (0, 1, 2**70)
        for run in plan("[trainvalidate]\niterations = 3\n", f"experiment.seed={seed}").combos[0].runs()
        for stream in STREAMS
    ]
    assert len(set(draws)) == len(draws) == 3 * 3 * len(STREAMS)


def test_more_iterations_leave_the_first_as_they_were(plan):
    few, many = (plan(f"[trainvalidate]\niterations = {n}\n").combos[0].runs() for n in (2, 5))
    assert [first(run, "network") for run in few] == [first(run, "network") for run in many[:2]]


RANDOM = "[net]\nroi = random\nn = 12\n[lyapunov]\nnle = 3\n[trainvalidate]\ntrain_weights = 1\nnumber_param = 5\n"


@pytest.mark.parametrize(
    "unrelated",
    [
        "experiment.name=Another title",
        "execution.workers=3",
        "execution.checkpoint_every=1",
        "trainvalidate.iterations=4",
        "paths.path_to_results=elsewhere",
        "trainvalidate.optimizer=Adam",  # the default, written out
        'combosparams.combos_params={"lr": [0.01]}',
    ],
)
def test_what_results_do_not_depend_on_changes_nothing(plan, unrelated):
    (a, *_), (b, *_) = plan(RANDOM).combos[0].runs(), plan(RANDOM, unrelated).combos[0].runs()
    assert a.config.settings() == b.config.settings()
    one, other = build_setup(a), build_setup(b)
    assert one.connectome.sha256() == other.connectome.sha256()
    assert one.state.equal(other.state) and one.frame.equal(other.frame)
    for name in TRAINED:
        assert getattr(one.network, name).trainable.equal(getattr(other.network, name).trainable)


def test_settings_tell_apart_what_results_depend_on(plan):
    before = plan(RANDOM).config.settings()
    for change in ("net.n=13", "trainvalidate.lr=1", "lyapunov.tons=0.4", "experiment.seed=1", "net.g=2"):
        after = plan(RANDOM, change).config.settings()
        assert [key for key in after if after[key] != before[key]] == [change.partition("=")[0]]


# ---- the text that a results folder keeps


@pytest.mark.parametrize(
    ("text", "overrides"),
    [
        ("", ()),
        (RANDOM, ("lyapunov.nle=25%", "experiment.seed=7")),
        ("[trainvalidate]\nloss = MSE_Custom\nn_samples = 2\n[model]\nsubpopulation = neurotransmitter\n", ()),
        ("[paths]\npath_to_results = 100%/Zoë ; here\n[experiment]\nname =\n", ("model.activation=strech",)),
        (grid('{"lr": [0.1, 1e-3],\n   # fine\n   "nle": ["5%",\n 7],\n\n "train_weights": [true, false]}'), ()),
        ("", ('combosparams.combos_params={"activation": ["tanh_strech", "pos"]}',)),
    ],
)
def test_the_recorded_text_gives_the_same_plan(plan, text, overrides):
    made = plan(text, *overrides)
    again = plan(made.text, name="config.ini")
    assert again.varied == made.varied and again.text == made.text
    assert [(c.index, c.values, _without_grid(c.config)) for c in again.combos] == [
        (c.index, c.values, _without_grid(c.config)) for c in made.combos
    ]


def _without_grid(read):
    return dataclasses.replace(read, combosparams=None)


# ---- what an option becomes


@pytest.mark.parametrize(
    ("nle", "n", "count"),
    [("10%", 100, 10), ("10%", 101, 11), ("5%", 436, 22), ("100%", 7, 7), ("0.000000001%", 8, 1), ("3", 8, 3)],
)
def test_a_share_of_the_exponents_is_rounded_up(plan, nle, n, count):
    """FlyStability's nLE of its ROIs: ceil(p N)."""
    run = plan(f"[net]\nroi = random\nn = {n}\n", f"lyapunov.nle={nle}").combos[0].runs()[0]
    assert exponents_of(run, n) == count


def test_targets(plan, tmp_path):
    def target(text):
        run = plan("[net]\nroi = random\nn = 6\n[lyapunov]\nnle = 3\n", f"lyapunov.target={text}").combos[0].runs()[0]
        return target_of(run, 6).tolist()

    assert target("-2") == [-2, -2, -2]
    assert target("1.25:-1.25") == [1.25, 0, -1.25]
    for name, text, found in (
        ("all.txt", "0\n5\n1\n-1\n3\n2\n", [5, 3, 2]),
        ("three.csv", "1,-1,0\n", [1, 0, -1]),
        ("three.txt", "1 -1 0\n", [1, 0, -1]),
    ):
        (tmp_path / name).write_text(text)
        assert target(tmp_path / name) == found
    np.save(tmp_path / "t.npy", np.array([[1], [2], [3]]))
    assert target(tmp_path / "t.npy") == [3, 2, 1]


def test_a_limited_number_of_entries_moves(plan):
    made = plan(RANDOM, "trainvalidate.number_param=7 2 1").combos[0].runs()[0]
    network = build_setup(made).network
    for name, count, of in (("weights", 7, 12 * 11), ("gains", 2, 12), ("shifts", 1, 12)):
        trainable = getattr(network, name).trainable.tolist()
        assert len(set(trainable)) == len(trainable) == count and 0 <= min(trainable) <= max(trainable) < of


def test_errors_are_value_errors():
    """A caller in Python may catch what it expects of a wrong value."""
    assert issubclass(ConfigError, ValueError)


# ---- a task's loss


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("task", {"task": 1.0}),
        ("task + 0.1*mse", {"task": 1.0, "mse": 0.1}),
        ("0.5 * task+MSE", {"task": 0.5, "mse": 1.0}),
        ("1e-3*Sinai + task", {"sinai": 1e-3, "task": 1.0}),
    ],
)
def test_a_loss_may_be_a_sum(tmp_path, written, means):
    path = tmp_path / "a.ini"
    path.write_text(f"[trialparams]\ntask_name = seq_mem\n[trainvalidate]\nloss = {written}\n")
    config = read_plan(path).config
    assert config.losses == means
    assert config.uses_spectrum == (len(means) > 1)
    assert config.model.dt == 1 and config.model.form == "rate" and config.trained == ("weights",)


def test_trial_params_set_the_options_of_the_task(tmp_path):
    path = tmp_path / "a.ini"
    path.write_text(
        "[trialparams]\ntrial_params = {'task_name': 'nback_mem', 'trial_length': 6, 'train_size': 0.5}\n"
        "[combosparams]\ncombos_params = {'n_back': [2, 3], 'nonlinearity': ['relu']}\n"
    )
    plan = read_plan(path)
    assert [combo.config.trialparams.n_back for combo in plan.combos] == [2, 3]
    assert {combo.config.trialparams.trial_length for combo in plan.combos} == {6}
    assert {combo.config.model.activation for combo in plan.combos} == {"relu"}


@pytest.mark.parametrize(
    ("kind", "name", "values", "key"),
    [
        ("analyse", "starts", [5, 6], "analysis.starts"),
        ("spectrum", "starts", [2, 3], "lyapunov.initial_states"),
        ("transition", "initial_states", [2, 3], "lyapunov.initial_states"),
    ],
)
def test_a_gridded_name_of_several_sections_is_that_which_the_kind_reads(tmp_path, kind, name, values, key):
    path = tmp_path / "a.ini"
    path.write_text(f"[experiment]\nkind = {kind}\n[net]\nroi = random\nn = 8\n[combosparams]\n"
                    f"combos_params = {{\"{name}\": {values}}}\n")  # fmt: skip
    section, option = key.split(".")
    assert [getattr(getattr(combo.config, section), option) for combo in read_plan(path).combos] == values
