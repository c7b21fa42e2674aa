"""Every option that a kind accepts is read in a run of it; templates are in test_experiment, other cases here."""

import pytest

import runrandomnet
from randomnet import results
from randomnet.schema.plan import read_plan
from tests.support.option_reads import recorded_reads, unread

RANDOM = "[net]\nroi = random\nn = 12\n"
TIMES = "[lyapunov]\nnle = 2\ntransient = 0.2\nframe_transient = 0.2\n"
TASK = "[trialparams]\ntask_name = flip_flop\nnr_of_trials = 10\ntrial_steps = 10\n"
CELLS = TASK + "[model]\narchitecture = {}\n"
EPOCHS = "[trainvalidate]\nepochs = 2\n"
FIXED = "[analysis]\nstarts = 6\n"
PREDICTED = "[predict]\nn_recorded = 5\n[analysis]\ntrajectories = 4\nduration = 1\n"
SHORT = "[analysis]\nduration = 2\n"
REGIONS = (
    "[net]\nsource = regions\n[regions]\nregions = A: 6 pos, B: 6 neg\ninputs = I: 3\n"
    "[projections]\nprojections = I -> A, A -> B, B -> A\n"
)
POPULATIONS = (
    "[net]\nsource = populations\n[populations]\nsizes = E: 20, I: 8\nin_degree = 5\nkernels = EE: cosine 0.3\n"
)
CASES = {
    "spectrum auto": ("spectrum", RANDOM + TIMES + "tsim = auto\ntolerance = 1\ntsim_max = 20\ninitial_states = 2\n"),
    "spectrum vectors": ("spectrum", RANDOM + TIMES + "tsim = 2\nvectors = 2\n"),
    "spectrum task": ("spectrum", RANDOM + TASK),
    "spectrum task undriven": ("spectrum", RANDOM + TASK + TIMES + "tsim = 2\ndriven = False\n"),
    "spectrum rank": ("spectrum", RANDOM + "rank = 1\n" + TIMES + "tsim = 2\n"),
    "spectrum populations": ("spectrum", POPULATIONS + TIMES + "tsim = 2\n"),
    "transition task": ("transition", RANDOM + TASK),
    "convergence task": ("convergence", RANDOM + TASK + TIMES + "tsim = 25\n"),
    "analyse random": ("analyse", RANDOM + FIXED + "duration = 2\n"),
    "analyse task": ("analyse", RANDOM + FIXED + TASK),
    "stimulate random": ("stimulate", RANDOM),
    "simulate random": ("simulate", RANDOM + SHORT),
    "simulate spectrum": ("simulate", RANDOM + SHORT + TIMES + "[simulation]\nspectrum = True\n"),
    "simulate plane": ("simulate", RANDOM + "rank = 2\n" + SHORT
                       + "[simulation]\ninitial = plane\ninitial_plane = m1, n1\ninitial_points = 3\n"),
    "simulate all": ("simulate", POPULATIONS + "external = E: 1, I: 1\nexternal_degree = 100\nexternal_rate = 1\n"
                     + SHORT + "[simulation]\nevents = E: constant 1 from 0.2 to 0.4\ndecode = E\nsilenced = E: 2\n"
                     "[dynamics]\nou_noise = 1\nplastic = EE\nplastic_input = True\nadaptation = 1\nnmda_fraction = 1"),
    "benchmark task": ("benchmark", RANDOM + TASK),
    "predict random": ("predict", RANDOM + PREDICTED + EPOCHS),
    "predict null": ("predict", "[net]\nroi = AB\nnull = degree\n" + PREDICTED + EPOCHS),
    "predict task": ("predict", RANDOM + TASK + EPOCHS + "[predict]\nn_recorded = 5\n"),
    "predict all": ("predict", POPULATIONS + "external = E: 1, I: 1\nexternal_rate = 1\n" + PREDICTED.replace(
                    "[predict]\n", "[model]\nactivation = softplus\n[predict]\nscale_sd = 0.1\nobserved = spikes\n"
                    "student = gains + shifts + tau + scales + initial\nchoice = degree\n") + EPOCHS),
    "train null": ("train", "[net]\nroi = AB\nnull = degree\n" + TIMES + "tsim = 2\n" + EPOCHS
                   + "train_weights = True\ninit = default\nweight_bounds = 0:10\nflat_window = 2\n"),
    "train target": ("train", RANDOM + TIMES + "tsim = 2\ntruncate_gradient = 1\n" + EPOCHS + "loss = l2\n"),
    "train task and spectrum": ("train", RANDOM + TASK + TIMES + EPOCHS + "loss = task + 0.1*mse\n"),
    "train task and record": ("train", RANDOM + TASK + TIMES + "spectrum_every = 1\n" + EPOCHS),
    "train regions": ("train", REGIONS + TIMES + "tsim = 2\n" + EPOCHS + "train_weights = True\n"),
    "train regions on a task": ("train", REGIONS + TASK + EPOCHS),
    "train gru": ("train", CELLS.format("gru") + EPOCHS),
    "train noisy": ("train", CELLS.format("gru") + EPOCHS + "initial_noise = 0.1\nlatent_l2 = 1\nstate_noise = 0.1\n"),
    "train node": ("train", CELLS.format("node") + EPOCHS),
    "train rank": ("train", RANDOM + "rank = 1\n" + TASK + EPOCHS),
    "train overlap": ("train", RANDOM + "rank = 3\nreadout = overlap\nbackground = False\n" + TASK + EPOCHS),
}  # fmt: skip
ADVICE = "accepted by the kind, and read by nobody: narrow the option's condition or its readers"


def options_unread_in(path):
    """Names of the options that a run of this INI accepts and that nobody reads."""
    with recorded_reads() as reads:
        assert runrandomnet.main([str(path)]) == 0
    plan = read_plan(path)
    assert (results.load(path.parent / plan.config.paths.path_to_results).table["status"] == "complete").all()
    return unread([combo.config for combo in plan.combos], reads)


def written(folder, name, kind, text):
    path = folder / f"{name.replace(' ', '_')}.ini"
    head = f"[experiment]\nkind = {kind}\n[paths]\npath_to_results = {folder / path.stem}\n"
    path.write_text(f"{head}[execution]\nworkers = 1\n{text}")
    return path


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_every_option_that_a_run_accepts_is_read(tmp_path, name):
    assert not options_unread_in(written(tmp_path, name, *CASES[name])), ADVICE


@pytest.mark.slow
def test_every_option_of_later_stages_is_read(tmp_path):
    """From a task to spikes to models of them, all of which are compared by every metric."""
    small = TASK.replace("nr_of_trials = 10", "nr_of_trials = 20")
    probe = "[recording]\nheldin = 8\nheldout = 2\n"
    search = "dsa_delays = 2\ndsa_rank = 3\npoint_starts = 4\npoint_steps = 5\nfree_bins = 5\nlyapunov_bins = 20\n"
    fit = "[inference]\nencoder_size = 4\narchitecture = {}\n" + EPOCHS
    stages = {
        "trained": ("train", RANDOM + TASK + EPOCHS),
        "recorded": ("record", f"[source]\nfolder = {tmp_path / 'trained'}\n" + probe + small),
        "gru": ("fit", f"[source]\nfolder = {tmp_path / 'recorded'}\n" + fit.format("gru") + "plateau_factor = 0.5\n"),
        "lfads": ("fit", f"[source]\nfolder = {tmp_path / 'recorded'}\n"
                  + fit.format("lfads").replace("[train", "inferred_inputs = 2\n[train")),
        "jslds": ("fit", f"[source]\nfolder = {tmp_path / 'recorded'}\n" + fit.format("jslds")),
        "network": ("fit", f"[source]\nfolder = {tmp_path / 'recorded'}\n" + RANDOM + fit.format("network")),
        "cells": ("train", CELLS.format("lstm") + "hidden_size = 3\n" + EPOCHS),
        "inside cells": ("analyse", f"[source]\nfolder = {tmp_path / 'cells'}\n" + FIXED + TASK),
        "spectrum of cells": ("spectrum", f"[source]\nfolder = {tmp_path / 'cells'}\n" + TASK),
        "inside a fit": ("analyse", f"[source]\nfolder = {tmp_path / 'gru'}\n" + FIXED),
        "spectrum of a fit": ("spectrum", f"[source]\nfolder = {tmp_path / 'gru'}\n" + TIMES + "tsim = 2\n"),
        "compared": ("compare", f"[source]\nfolder = {tmp_path / 'gru'}\n[comparing]\n" + search),
    }  # fmt: skip
    for name, (kind, text) in stages.items():
        assert not options_unread_in(written(tmp_path, name, kind, text)), f"{name}: {ADVICE}"
