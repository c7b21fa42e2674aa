"""Noise of the inputs, fresh in every update: its numbers, where it ends, and that nothing else knows of it."""

import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from randomnet.build.network import build_setup
from randomnet.build.objective import objective_of
from randomnet.kinds.train import run as train
from randomnet.objectives import InputNoise, stack_objectives
from randomnet.objectives.noise import noisy_inputs
from randomnet.results import RunFolder
from randomnet.schema.config import SCHEMA
from randomnet.schema.plan import read_plan
from randomnet.settings import ConfigError
from randomnet.tasks import TASKS
from randomnet.training import Interrupted
from tests.support.marks import slow_except
from tests.support.runs import contents, differing, run

SIGMAS = 5
HEAD = "[execution]\nworkers = 1\n{more}[paths]\npath_to_results = {out}\n[trainvalidate]\nepochs = 3\nbatch_size = 7\n"
KEY = "resampled_input_noise"
NOISE = f"{KEY} = 0.1\n"
NETWORK, GRU = "[net]\nroi = random\nn = 9\n", "[model]\narchitecture = gru\nhidden_size = 6\n"
FLIP_FLOP = "[trialparams]\ntask_name = flip_flop\nn_bits = 2\ntrial_steps = 30\nnr_of_trials = 20\n"
MULTI = "[trialparams]\ntask_name = multitask\ntasks = DelayPro, ReactAnti\nnr_of_trials = 10\n"
ODR = "[trialparams]\ntask_name = odr\nnr_of_trials = 16\nsteps_per_second = 2\n"
REACH = "[trialparams]\ntask_name = reach\ntrial_steps = 100\nnr_of_trials = 10\nramp_epochs = 2\n"
ONE_EACH = "one_task_batches = True\n"
SETUPS = {
    "network": NETWORK + FLIP_FLOP,
    "angles": NETWORK + ODR,
    "cells": GRU + FLIP_FLOP,
    "phases": NETWORK + MULTI,
    "cells of one task": GRU + MULTI + ONE_EACH,
    "arm": NETWORK + REACH,
    "arm and cells": GRU + REACH,
}


def ini(folder, setup, noise="resampled_input_noise = 0.2\n", more=""):
    path = folder / f"{len(list(folder.glob('*.ini')))}.ini"
    path.write_text(HEAD.format(out=path.with_suffix(""), more=more) + SETUPS[setup] + noise)
    return path


def run_of(path, *overrides):
    return read_plan(path, overrides).combos[0].runs()[0]


def by_recipe(one, update, shape, dtype=np.float32):
    """The noise of one update, from the run's stream on."""
    seed = int(one.generator("input noise").integers(2**63))
    white = np.random.default_rng(np.random.SeedSequence([seed, update])).standard_normal(shape, dtype=dtype)
    return torch.from_numpy(white * np.array(0.2, dtype))


# ---- its numbers


def test_it_is_white_with_its_deviation_and_another_in_every_update():
    noise, sigma = InputNoise(0.3, 7), 0.3
    first, second = (noise.sample(torch.zeros(200, 40, 6, dtype=torch.float64)).numpy() for _ in range(2))
    assert noise.updates == 2
    for drawn in (first, second):
        assert drawn.mean() == pytest.approx(0, abs=SIGMAS * sigma / math.sqrt(drawn.size))
        assert drawn.std() == pytest.approx(sigma, abs=SIGMAS * sigma / math.sqrt(2 * drawn.size))
        each = drawn.reshape(-1, 6)
        assert each.std(0) == pytest.approx(sigma, abs=SIGMAS * sigma / math.sqrt(2 * len(each)))
        pairs = {"steps": drawn[1:] * drawn[:-1], "trials": drawn[:, 1:] * drawn[:, :-1],
                 "channels": drawn[..., 1:] * drawn[..., :-1], "updates": first * second}  # fmt: skip
        for products in pairs.values():
            assert products.mean() == pytest.approx(0, abs=SIGMAS * sigma**2 / math.sqrt(products.size))
    assert (np.abs(first) > 2 * sigma).mean() == pytest.approx(0.0455, abs=SIGMAS * math.sqrt(0.0455 / first.size))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_shorter_inputs_have_the_beginning_of_it_in_their_precision(dtype):
    long, short = (InputNoise(0.3, 7).sample(torch.zeros(steps, 4, 3, dtype=dtype)) for steps in (30, 12))
    assert long.dtype == dtype and torch.equal(long[:12], short)


@pytest.mark.parametrize("setup", ["network", "angles", "phases"])
def test_it_ends_with_the_trials_that_have_an_end(tmp_path, setup):
    one = run_of(ini(tmp_path, setup))
    goal = objective_of(one, build_setup(one))
    for update, batch in enumerate(goal.batches()):
        noise = by_recipe(one, update, batch.inputs.shape)
        for trial in range(batch.inputs.shape[1]) if setup == "phases" else ():
            noise[int(batch.phases[trial, -1]) :, trial] = 0
        given = noisy_inputs([goal.terms[0].input_noise], batch)
        torch.testing.assert_close(given - batch.inputs, noise, rtol=0, atol=1e-6)
        assert torch.equal(given[noise == 0], batch.inputs[noise == 0])


# ---- what is trained with it, and what is not


@pytest.mark.parametrize("setup", ["network", "cells", "phases", "cells of one task"])
def test_an_update_is_that_of_inputs_with_the_noise_in_them(tmp_path, setup):
    loud, quiet = (run_of(ini(tmp_path, setup, noise)) for noise in ("resampled_input_noise = 0.2\n", ""))
    start = build_setup(loud)
    goal, plain = (objective_of(one, start) for one in (loud, quiet))
    for update in range(3):
        batch = goal.batches()[update % len(goal.batches())]
        noise = by_recipe(loud, update, batch.inputs.shape)
        if batch.phases is not None:
            noise *= (torch.arange(len(noise))[:, None] < batch.phases[:, -1])[..., None]
        (got,) = goal.measure([start.network], batch)
        (expected,) = plain.measure([start.network], replace(batch, inputs=batch.inputs + noise))
        (still,) = plain.measure([start.network], batch)
        assert float(got.loss.detach()) == pytest.approx(float(expected.loss.detach()), rel=1e-6)
        assert abs(float(got.loss.detach()) / float(still.loss.detach()) - 1) > 1e-4


@pytest.mark.parametrize("setup", ["arm", "arm and cells"])
def test_in_a_closed_loop_it_is_on_all_that_is_shown_and_sensed(tmp_path, setup):
    loud, quiet = (run_of(ini(tmp_path, setup, noise)) for noise in ("resampled_input_noise = 0.2\n", ""))
    start = build_setup(loud)
    goal, plain = (objective_of(one, start) for one in (loud, quiet))
    for update in range(3):
        (batch,) = goal.batches()[:1]
        bins = (50, 50, 100)[update]  # that count in the two updates of the first epoch, and in the second
        noise = torch.zeros_like(batch.inputs)
        noise[:bins] = by_recipe(loud, update, (bins, *batch.inputs.shape[1:]))
        (got,) = goal.measure([start.network], batch)
        (expected,) = plain.measure([start.network], replace(batch, inputs=batch.inputs + noise))
        assert float(got.loss.detach()) == pytest.approx(float(expected.loss.detach()), rel=1e-5)


@pytest.mark.parametrize("setup", SETUPS)
def test_validation_and_the_last_losses_are_without(tmp_path, setup):
    loud, quiet = (run_of(ini(tmp_path, setup, noise)) for noise in ("resampled_input_noise = 0.2\n", ""))
    start = build_setup(loud)
    goal, plain = (objective_of(one, start) for one in (loud, quiet))
    batch = plain.batches()[0]
    before = goal.states()
    assert goal.validate([start.network], 0) == plain.validate([start.network], 0)
    losses = [one.measure([start.network], batch, evaluation=True)[0].loss.detach() for one in (goal, plain)]
    assert torch.equal(*losses) and goal.states() == before


@pytest.mark.parametrize("setup", slow_except(SETUPS, "network", "cells"))
def test_without_it_there_is_none(tmp_path, setup):
    paths = [ini(tmp_path, setup, noise) for noise in (f"{KEY} = 0\n", "", f"{KEY} = 0.2\n")]
    assert [run(path) for path in paths] == [0, 0, 0]
    none, default, some = (contents(path.with_suffix("")) for path in paths)
    assert not differing(none, default)
    assert "0/iter_0/model.pt" in differing(some, default)


# ---- resumed, and side by side


@pytest.mark.parametrize("setup", slow_except(SETUPS, "phases", "arm"))
def test_interrupted_it_goes_on_to_the_same_bytes(tmp_path, setup):
    one = run_of(ini(tmp_path, setup), "execution.checkpoint_every=1")

    def finish(root, stop):
        folder = RunFolder(root / "0" / "iter_0")
        folder.create()
        train.execute([one], [folder], lambda run, row: None, stop)
        return contents(root) | {"0/iter_0/checkpoint.pt": 0}

    calls = iter(range(100))
    with pytest.raises(Interrupted):
        finish(tmp_path / "again", lambda: next(calls) == 2)
    assert not differing(finish(tmp_path / "again", bool), finish(tmp_path / "whole", bool))


@pytest.mark.parametrize("task", slow_except([FLIP_FLOP, MULTI, MULTI + ONE_EACH], MULTI))
def test_networks_side_by_side_receive_what_each_alone_would(tmp_path, task):
    path, tables = tmp_path / "a.ini", []
    text = HEAD.format(out=tmp_path / "out", more="") + f"iterations = 3\nprecision = float64\n{NETWORK}{task}"
    path.write_text(text + "resampled_input_noise = 0.2\n")
    runs = read_plan(path).combos[0].runs()
    goals = [objective_of(one, build_setup(one)) for one in runs]
    together, alone = stack_objectives(goals), [objective_of(one, build_setup(one)) for one in runs]
    for all_, *each in zip(together.batches(), *(goal.batches() for goal in alone), strict=True):
        given = noisy_inputs([term.input_noise for term in together.terms], all_)
        for goal, batch, found in zip(alone, each, given, strict=True):
            own = noisy_inputs([goal.terms[0].input_noise], batch)
            assert torch.equal(found[: len(own)], own) and not found[len(own) :].any()
    for size in (1, 3):
        settings = (f"execution.batch_runs={size}", f"paths.path_to_results={tmp_path / str(size)}")
        assert run(path, *(part for setting in settings for part in ("--set", setting))) == 0
        files = sorted((tmp_path / str(size)).glob("*/iter_*/history.csv"))
        tables.append([pd.read_csv(file).drop(columns=["iteration", "seconds"]) for file in files])
    assert len(tables[0]) == 3 and not tables[0][0].equals(tables[0][1])
    for one, beside in zip(*tables, strict=True):
        np.testing.assert_allclose(beside, one, rtol=1e-7, atol=1e-10)


# ---- from the INI


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{FLIP_FLOP}{KEY} = -1\n", f"{KEY}: expected .* 0"),
        (f"[trialparams]\ntask_name = seq_mem\n{NOISE}", f"{KEY}: .* only where .* = flip_flop"),
        (f"[trialparams]\n{NOISE}", f"{KEY}: .* only where .* = flip_flop, odr, dpa"),
        (f"{FLIP_FLOP}{NOISE}[experiment]\nkind = analyse\n", "not available for kind = analyse"),
        (f"{FLIP_FLOP}{NOISE}[experiment]\nkind = record\n", "not available for kind = record"),
    ],
)
def test_where_it_is_not_read_it_is_refused(tmp_path, text, message):
    path = tmp_path / "a.ini"
    path.write_text(f"[paths]\npath_to_results = {tmp_path / 'out'}\n{text}")
    with pytest.raises(ConfigError, match=message):
        read_plan(path)


def test_it_is_an_axis_of_the_grid_and_recorded(tmp_path):
    path = ini(tmp_path, "network", "[combosparams]\ncombos_params = " + json.dumps({KEY: [0.0, 0.2]}))
    assert run(path) == 0
    settings = [json.loads((path.with_suffix("") / str(combo) / "iter_0" / "run.json").read_text())["settings"]
                for combo in range(2)]  # fmt: skip
    assert [one["trialparams.resampled_input_noise"] for one in settings] == [0.0, 0.2]


def test_the_tasks_that_read_it_are_those_with_noise_of_their_own():
    noisy = {name for name, task in TASKS.items() if "input_noise" in {one.name for one in task.parameters}}
    about = SCHEMA.options["trialparams", "resampled_input_noise"]
    listed = about.only[0].partition(" = ")[2].replace(" or ", ", ").split(", ")
    assert set(listed) == noisy and len(listed) == len(noisy)
