"""Outputs that are overlaps with the selection vectors of the factors: values, gradients, experiments, refusals."""

import numpy as np
import pandas as pd
import pytest
import torch

from randomnet.build.network import build_setup
from randomnet.rnn import (
    FORMS,
    INTERFACE,
    OVERLAP_INTERFACE,
    LowRankFactors,
    Network,
    run_trials,
    stack_networks,
    trial_readout,
)
from tests.support.low_rank import connectome_of, gradients, leaves, network, randn
from tests.support.low_rank_runs import N_BACK, arrays_of, experiment, ini, run_of, sets
from tests.support.runs import run

N, CHANNELS, BATCH, TIME = 12, 2, 4, 6
GAINS = (0.7, -1.3)
OVERLAP = (*N_BACK, "net.rank=3", "net.readout=overlap")  # n-back has three outputs


def overlapping(form="current", seed=0, gains=GAINS, rank=3):
    linear = network(form=form, seed=seed, task=True, rank=rank)
    interface = {
        name: values.detach().numpy() for name, values in linear.interface.items() if name in OVERLAP_INTERFACE
    }
    factors = LowRankFactors(*(values.detach().numpy() for values in linear.factors()))
    return Network(
        connectome_of(seed=seed),
        form=form,
        activation="tanh_positive",
        dt=0.3,
        trainable={"output_factors": np.arange(N * rank), "selection_factors": np.arange(N * rank)},
        interface=interface | {"readout_gains": np.array(gains)},
        factors=factors,
    )


@pytest.mark.parametrize("form", FORMS)
def test_outputs_are_the_overlaps_times_their_gains(form):
    own, inputs = overlapping(form), randn(TIME, BATCH, CHANNELS, seed=1)
    rates, outputs = own.run(inputs)
    expected = torch.tensor(GAINS, dtype=torch.float64) * own.overlaps(rates)[..., :2]
    torch.testing.assert_close(outputs, expected, rtol=1e-12, atol=1e-14)
    by_hand = np.einsum("tbn,nk->tbk", rates.detach().numpy(), own.values()["selection_factors"].numpy())[..., :2] / N
    np.testing.assert_allclose(outputs.detach(), by_hand * GAINS, rtol=1e-12)
    assert set(own.interface_tensors()) == set(INTERFACE) and not own.interface_tensors()["readout_bias"].any()
    parts = trial_readout(own.dynamics(), own.interface_tensors(), inputs, segment=2)
    torch.testing.assert_close(parts, outputs, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("form", FORMS)
def test_its_gradient_is_that_of_finite_differences(form):
    """n acts twice: on the recurrent network and on its outputs."""
    own, inputs = overlapping(form), randn(TIME, BATCH, CHANNELS, seed=1)
    weights = randn(TIME, BATCH, 2, seed=2)
    loss = lambda: (own.run(inputs)[1] * weights).sum()  # noqa: E731
    found, step = gradients(loss(), leaves(own)), 1e-6
    for parameter, gradient in zip(leaves(own), found, strict=True):
        direction = randn(*parameter.shape, seed=5)
        values = []
        for sign in (1, -1):
            with torch.no_grad():
                parameter.add_(sign * step * direction)
                values.append(float(loss()))
                parameter.sub_(sign * step * direction)
        slope = (values[0] - values[1]) / (2 * step)
        assert slope == pytest.approx(float((gradient * direction).sum()), rel=1e-6, abs=1e-9)


def test_side_by_side_they_are_as_each_alone():
    owns = [overlapping(seed=seed, gains=gains) for seed, gains in ((0, GAINS), (1, (2.0, 0.5)))]
    inputs = randn(2, TIME, BATCH, CHANNELS, seed=4)
    outputs = run_trials(*stack_networks(owns), inputs)[1]
    for own, now, found in zip(owns, inputs, outputs, strict=True):
        torch.testing.assert_close(found, own.run(now)[1], rtol=1e-12, atol=1e-14)


def test_more_outputs_than_factors_are_refused():
    with pytest.raises(ValueError, match="readout_gains must be at most one for each of the 1 factors, got 2"):
        overlapping(rank=1)


# ---- experiments


def last_of(out):
    return torch.load(out / "0" / "iter_0" / "model.pt", weights_only=True)["last"]


def test_a_gain_is_fixed_or_learnt(tmp_path):
    fixed = experiment(tmp_path, *OVERLAP, "net.readout_gain=2.5", name="fixed")
    learnt = experiment(tmp_path, *OVERLAP, "net.readout_gain=learnt", name="learnt")
    assert last_of(fixed)["readout_gains"].tolist() == [2.5] * 3
    assert (last_of(learnt)["readout_gains"] != 1).all()
    for out in (fixed, learnt):
        arrays, history = arrays_of(out), pd.read_csv(out / "0" / "iter_0" / "history.csv")
        assert (arrays["selection_factors_final"] != arrays["selection_factors_initial"]).all()
        assert history["train_loss"].iloc[-1] < history["train_loss"].iloc[0]
        assert ("grad_norm_readout_gains" in history) == (out == learnt)


def test_a_stored_model_says_it_as_weights_and_the_next_task_takes_it_over(tmp_path):
    first = experiment(tmp_path, *OVERLAP, "net.readout_gain=learnt", name="first")
    stored = first / "0" / "model_state_dict_epoch_2_iter_0.pth"
    state = torch.load(stored, weights_only=True)
    expected = last_of(first)["readout_gains"][:, None] * last_of(first)["selection_factors"][:, :3].T / 24
    torch.testing.assert_close(state["fc.weight"], expected)
    assert not state["fc.bias"].any()
    changes = (*OVERLAP, "net.rank=4", f"paths.pretrained={stored}", "pretrainedparams.keep_readout=True")
    again = build_setup(run_of(tmp_path, *changes, name="second")).network
    assert torch.equal(again.interface["readout_gains"].detach(), last_of(first)["readout_gains"])
    assert not again.interface["readout_gains"].requires_grad  # readout_gain is a number there
    torch.testing.assert_close(again.interface_tensors()["readout_weights"].detach(), expected)
    linear = [change for change in changes if "readout=overlap" not in change]
    taken = build_setup(run_of(tmp_path, *linear, name="third")).network
    assert torch.equal(taken.interface["readout_weights"].detach(), state["fc.weight"])


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ((*N_BACK, "net.rank=2", "net.readout=overlap"),
         "[net] rank: expected at least 3 with readout = overlap, one factor for each output of nback_mem, got 2"),
        ((N_BACK[0], "net.readout=overlap"), "[net] readout: applies only where net.rank is above 0"),
        ((*N_BACK, "net.readout_gain=2"), "[net] readout_gain: applies only where net.readout = overlap"),
        ((*OVERLAP, "net.readout_gain=0"), "[net] readout_gain: expected a number above 0, or learnt, got '0'"),
        ((*N_BACK, "net.readout=overlaps"), "did you mean 'overlap'?"),
    ],
)  # fmt: skip
def test_mistakes_are_told_in_one_line(tmp_path, capsys, changes, says):
    assert run(ini(tmp_path), *sets(changes)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line
