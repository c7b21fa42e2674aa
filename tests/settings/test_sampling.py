"""Options whose values are drawn at random: laws, seeds, errors, and their place beside a grid."""

import math
import re

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from randomnet.results import ResultsFolder
from randomnet.settings import ConfigError
from tests.support.runs import ALONE, ini, run

TASK = "[trialparams]\ntask_name = seq_mem\n"


def sample(text, count=10, more="", seed=0):
    return f"[experiment]\nseed = {seed}\n{TASK}[combosparams]\nsample = {text}\nn_samples = {count}\n{more}"


def values(plan, name):
    return [combo.values[name] for combo in plan.combos]


def test_numbers_follow_their_laws(plan):
    laws = '{"lr": "loguniform 1e-4 1e-2", "state_noise": "uniform 0.5 2.5", "batch_size": "integers 1 9"}'
    made = plan(sample(laws, 600))
    logs = (np.log(values(made, "lr")) - math.log(1e-4)) / math.log(100)
    assert stats.kstest(logs, "uniform").pvalue > 0.01
    assert stats.kstest((np.array(values(made, "state_noise")) - 0.5) / 2, "uniform").pvalue > 0.01
    counts = np.bincount(values(made, "batch_size"), minlength=10)
    assert counts[0] == 0 and stats.chisquare(counts[1:]).pvalue > 0.01
    assert [combo.config.trainvalidate.lr for combo in made.combos] == values(made, "lr")


def test_draws_of_different_options_are_independent(plan):
    made = plan(sample('{"lr": "uniform 1 2", "state_noise": "uniform 1 2"}', 400))
    assert stats.spearmanr(values(made, "lr"), values(made, "state_noise")).pvalue > 0.01


def test_more_samples_keep_the_first_and_another_seed_draws_others(plan):
    laws = '{"lr": "loguniform 1e-4 1e-2", "batch_size": "choice 1 2 4"}'
    few, many, other = (plan(sample(laws, *more)) for more in ((5,), (50,), (5, "", 1)))
    assert [c.values for c in many.combos[:5]] == [c.values for c in few.combos]
    assert not set(values(few, "lr")) & set(values(other, "lr"))


def test_another_sampled_option_and_another_spelling_change_no_draw(plan):
    alone = plan(sample('{"lr": "uniform 1 2"}'))
    both = plan(sample('{"state_noise": "uniform 0 1", "trainvalidate.lr": "uniform 1 2"}'))
    assert values(alone, "lr") == values(both, "lr")


def test_every_sample_meets_every_combination_of_the_grid(plan):
    grid = 'combos_params = {"optimizer": ["Adam", "SGD"], "epochs": [3, 4]}\n'
    made = plan(sample('{"lr": "uniform 1 2"}', 3, grid))
    assert made.varied == ("lr", "optimizer", "epochs") and made.sampled == ("lr",)
    lrs = values(plan(sample('{"lr": "uniform 1 2"}', 3)), "lr")
    expected = [(lr, optimizer, n) for lr in lrs for optimizer in ("Adam", "SGD") for n in (3, 4)]
    assert [tuple(combo.values.values()) for combo in made.combos] == expected


def test_choices_are_drawn_without_repetition_until_there_are_no_more(plan):
    laws = '{"optimizer": "choice adam SGD", "remap_w": ["true", "false"], "batch_size": "integers 4 6"}'
    made = plan(sample(laws, 12))
    assert len({tuple(combo.values.values()) for combo in made.combos}) == 12
    assert {combo.config.trainvalidate.optimizer for combo in made.combos} == {"Adam", "SGD"}
    with pytest.raises(ConfigError, match=r"n_samples: expected at most 12, the number of different samples, got 13$"):
        plan(sample(laws, 13))


@pytest.mark.parametrize(("law", "most"), [("uniform 1 1.0001", 9), ("loguniform 9.9999 10.001", 19)])
def test_a_range_with_few_numbers_of_six_digits_has_few_samples(plan, law, most):
    """1.00001 to 1.00009; 9.99991 to 9.99999 and 10, whose next are 10.0001 to 10.0009."""
    assert len(plan(sample(f'{{"lr": "{law}"}}', most)).combos) == most
    with pytest.raises(ConfigError, match=f"n_samples: expected at most {most}, the number of different samples"):
        plan(sample(f'{{"lr": "{law}"}}', most + 1))


def test_a_list_is_a_choice_of_its_values(plan):
    made = plan(sample('{"state_noise": [0, 0.5], "lr": "uniform 1 2"}', 20))
    assert set(values(made, "state_noise")) == {0, 0.5}


def test_one_of_an_options_names_may_be_sampled(plan):
    text = ("[experiment]\nkind = simulate\n[net]\nsource = populations\n[populations]\nsizes = E: 8, I: 4\n"
            '[combosparams]\nsample = {"sizes.E": "integers 5 20"}\nn_samples = 4\n')  # fmt: skip
    made = plan(text)
    sizes = [dict(combo.config.populations.sizes) for combo in made.combos]
    assert sizes == [{"E": number, "I": 4} for number in values(made, "sizes.E")]


@pytest.mark.parametrize(
    ("laws", "error"),
    [
        ('{"lr": "logunifrom 1 2"}', "'lr': expected a law, one of uniform, loguniform, integers, choice, got "
         "'logunifrom 1 2'; did you mean 'loguniform'?"),
        ('{"lr": "uniform 2 1"}', "'lr': expected uniform LOW HIGH with LOW below HIGH, got \"uniform 2 1\""),
        ('{"lr": "uniform 1"}', "'lr': expected uniform LOW HIGH with LOW below HIGH, got \"uniform 1\""),
        ('{"lr": "uniform 1 inf"}', "'lr': expected uniform LOW HIGH with LOW below HIGH, got \"uniform 1 inf\""),
        ('{"lr": "loguniform 0 1"}', "'lr': expected loguniform LOW HIGH with 0 < LOW < HIGH, got"),
        ('{"epochs": "integers 1 2.5"}', "'epochs': expected integers FIRST LAST with whole numbers"),
        ('{"epochs": "integers 1 99999999999999999999"}', "'epochs': expected integers FIRST LAST with whole numbers"),
        ('{"lr": "choice 1"}', "'lr': expected choice A B C with at least two different values"),
        ('{"lr": [1, 1]}', "'lr': expected choice A B C with at least two different values"),
        ('{"lr": 3}', "'lr': expected a law such as \"uniform 0 1\", got 3"),
        ('{"lrr": "uniform 0 1"}', "'lrr': expected an option's key; did you mean 'lr'?"),
        ('{"seed": "integers 0 9"}', "'seed': expected an option that may differ between combos"),
        ('{"lr": "uniform 1 2", "trainvalidate.lr": "uniform 1 2"}', "every option once, got trainvalidate.lr"),
        ('{"lr": "uniform 1 2"', "expected JSON such as"),
        ('{"lr": "uniform -2 -1"}', "[trainvalidate] lr: expected a number above 0, got '-1."),
        ('{"epochs": "uniform 1 2"}', "[trainvalidate] epochs: expected a whole number"),
    ],
)  # fmt: skip
def test_a_law_that_cannot_be_is_an_error_at_the_door(plan, laws, error):
    with pytest.raises(ConfigError, match=re.escape(error)):
        plan(sample(laws))


def test_an_option_has_its_values_once(plan):
    with pytest.raises(ConfigError, match=r"expected 'lr' in combos_params or in sample, got it in both"):
        plan(sample('{"lr": "uniform 1 2"}', more='combos_params = {"lr": [1]}\n'))


def test_a_number_of_samples_without_laws_is_refused(plan):
    with pytest.raises(ConfigError, match=r"n_samples: applies only where combosparams.sample names options"):
        plan("[combosparams]\nn_samples = 4\n")


def test_samples_are_recorded_and_are_the_same_on_resume_and_in_shares(tmp_path, capsys):
    laws = ('combosparams.sample={"clip_norm": "loguniform 1e-3 1e-1"}', "trainvalidate.iterations=1",
            "trainvalidate.epochs=1")  # fmt: skip
    options = ["--set", "combosparams.combos_params={}", *ALONE, *[part for law in laws for part in ("--set", law)]]
    few, many = (["--set", f"combosparams.n_samples={count}"] for count in (2, 3))
    assert run(ini(tmp_path), *options, *few) == 0
    first = pd.read_csv(tmp_path / "a" / "combos.csv")
    assert run(ini(tmp_path), *options, *many, "--shard", "2/2") == 0
    capsys.readouterr()
    assert run(ini(tmp_path), *options, *many) == 0
    combos = pd.read_csv(tmp_path / "a" / "combos.csv")
    assert combos["clip_norm"][:2].tolist() == first["clip_norm"].tolist() and len(combos) == 3
    summary = pd.read_csv(tmp_path / "a" / "summary.csv")
    assert (summary["status"] == "complete").all()
    assert summary["clip_norm"].tolist() == combos["clip_norm"].tolist()
    entries = ResultsFolder(tmp_path / "a").manifest["combos"]
    settings = [combo["settings"]["trainvalidate.clip_norm"] for combo in entries]
    assert settings == combos["clip_norm"].tolist()
    assert run(ini(tmp_path), *options, *few) == 0
    assert len(pd.read_csv(tmp_path / "a" / "combos.csv")) == 2
    assert run(ini(tmp_path), *options, *many) == 0
    assert pd.read_csv(tmp_path / "a" / "summary.csv").equals(summary), "the third one was kept"
