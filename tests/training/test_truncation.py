"""Back-propagation through time that is cut, and paths that are gone through again: gradients, memory, resumes."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from randomnet.kinds.train import run as train
from randomnet.objectives import StateNoise
from randomnet.objectives.noise import scaled_sampler
from randomnet.results import RunFolder
from randomnet.rnn import FORMS, run_trials, stack_networks, trial_readout
from randomnet.training import Interrupted
from tests.support.low_rank import gradients, leaves, network_and_inputs, randn
from tests.support.low_rank_runs import N_BACK, arrays_of, experiment, run_of
from tests.support.runs import contents, differing

TIME, BATCH, CHANNELS, N = 11, 4, 2, 12
KINDS = [("dense", "tanh_positive", 0.3), ("none", "tanh", 1.0), ("dense", "erf", 0.5)]


def plain(own, inputs, truncate, extra=None):
    """The readout by plain steps, the state detached before every truncate-th: g (h - s), in the rate form r."""
    system, interface = own.dynamics(), own.interface
    drive = inputs @ interface["input_weights"].mT + interface["input_bias"] + interface["recurrent_bias"]
    drive = drive if extra is None else drive + extra
    current, zero = own.form == "current", torch.zeros(BATCH, N, dtype=torch.float64)
    seen = lambda x: system.gains * (x - system.shifts) if system.activation.stretches else x  # noqa: E731
    phi = lambda x: system.activation(x, torch.ones_like(zero), zero)[0]  # noqa: E731
    state, path, matrix = seen(zero) if current else zero, [], own.matrix()
    for step, now in enumerate(drive):
        if truncate and step and step % truncate == 0:
            state = state.detach()
        arriving = seen(phi(state) @ matrix.mT + now) if current else phi(seen(state @ matrix.mT + now))
        state = (1 - system.a) * state + system.a * arriving
        path.append(phi(state) if current else state)
    return torch.stack(path) @ interface["readout_weights"].mT + interface["readout_bias"]


def judged(outputs):
    return (outputs * randn(*outputs.shape, seed=3)).sum() + (outputs**2).mean()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("base", "activation", "dt"), KINDS)
@pytest.mark.parametrize("truncate", [1, 3, 4, 10])
def test_a_cut_gradient_is_that_of_plain_steps_with_a_detached_state(form, base, activation, dt, truncate):
    tau = np.linspace(dt, 3, N) if activation == "erf" else None
    own, inputs = network_and_inputs(form, base, activation, dt, tau=tau)
    whole = trial_readout(own.dynamics(), own.interface, inputs)
    outputs = trial_readout(own.dynamics(), own.interface, inputs, truncate=truncate)
    assert torch.equal(outputs, whole)
    expected = plain(own, inputs, truncate)
    torch.testing.assert_close(outputs, expected, rtol=1e-11, atol=1e-12)
    wanted = gradients(judged(expected), leaves(own))
    for found, want in zip(gradients(judged(outputs), leaves(own)), wanted, strict=True):
        torch.testing.assert_close(found, want, rtol=1e-9, atol=1e-11)
    through = gradients(judged(whole), leaves(own))
    assert any((one - other).abs().max() > 1e-3 * other.abs().max() for one, other in zip(through, wanted, strict=True))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("longer", [TIME, TIME + 1])
def test_a_cut_beyond_the_trial_changes_no_bit(form, longer):
    own, inputs = network_and_inputs(form)
    found, wanted = (
        gradients(judged(trial_readout(own.dynamics(), own.interface, inputs, **more)), leaves(own))
        for more in ({"truncate": longer}, {})
    )
    assert all(torch.equal(*pair) for pair in zip(found, wanted, strict=True))
    assert torch.equal(trial_readout(own.dynamics(), own.interface, inputs, segment=longer),
                       run_trials(own.dynamics(), own.interface, inputs)[1])  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("base", "activation", "dt"), KINDS)
@pytest.mark.parametrize(("segment", "truncate"), [(1, 0), (3, 0), (4, 4), (3, 2), (5, 7), (10, 0)])
def test_segments_gone_through_again_give_the_same_gradient(form, base, activation, dt, segment, truncate):
    tau = np.linspace(dt, 3, N) if activation == "erf" else None
    own, inputs = network_and_inputs(form, base, activation, dt, tau=tau)
    system, noise = own.dynamics(), [StateNoise(0.1, 5), StateNoise(0.1, 5)]
    whole = trial_readout(system, own.interface, inputs, scaled_sampler(noise[:1], system, inputs), truncate=truncate)
    extra = scaled_sampler(noise[1:], system, inputs)
    parts = trial_readout(system, own.interface, inputs, extra, truncate=truncate, segment=segment)
    torch.testing.assert_close(parts, whole, rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(parts, plain(own, inputs, truncate, extra(0, TIME)), rtol=1e-11, atol=1e-12)
    pairs = zip(gradients(judged(parts), leaves(own)), gradients(judged(whole), leaves(own)), strict=True)
    for found, wanted in pairs:
        torch.testing.assert_close(found, wanted, rtol=1e-10, atol=1e-12)
    with torch.no_grad():
        again = trial_readout(system, own.interface, inputs, extra, segment=segment)
    torch.testing.assert_close(again, parts, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("form", FORMS)
def test_networks_side_by_side_are_cut_and_gone_through_as_each_alone(form):
    owns = [network_and_inputs(form, seed=seed)[0] for seed in (0, 1)]
    inputs = randn(2, TIME, BATCH, CHANNELS, seed=4)
    system, interface = stack_networks(owns)
    noises = [StateNoise(0.2, seed) for seed in (1, 2)]
    outputs = trial_readout(system, interface, inputs, scaled_sampler(noises, system, inputs), truncate=4, segment=3)
    for own, now, one, noise in zip(owns, inputs, outputs, [StateNoise(0.2, 1), StateNoise(0.2, 2)], strict=True):
        alone = own.dynamics()
        expected = trial_readout(alone, own.interface, now, scaled_sampler([noise], alone, now), truncate=4)
        torch.testing.assert_close(one, expected, rtol=1e-12, atol=1e-13)
        pairs = zip(gradients(judged(one), leaves(own)), gradients(judged(expected), leaves(own)), strict=True)
        for found, wanted in pairs:
            torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_noise_in_parts_and_again_is_the_same_noise(dtype):
    own, inputs = network_and_inputs("rate", dtype=dtype)
    system, noise = own.dynamics(), StateNoise(0.1, 7)
    whole = scaled_sampler([StateNoise(0.1, 7)], system, inputs)(0, TIME)
    between = scaled_sampler([noise], system, inputs)
    parts = [between(*part) for part in ((0, 3), (3, 4), (4, TIME))]
    assert torch.equal(torch.cat(parts), whole) and noise.updates == 1
    assert torch.equal(between(3, 4), parts[1]) and torch.equal(between(0, TIME), whole)


MEASURE = """
import sys
from pathlib import Path
import numpy as np, torch
from randomnet import compiled
from randomnet.rnn import INTERFACE, Network, trial_readout
from randomnet.synthetic import random_network
compiled.select(sys.argv[1])
n, batch, time = 100, 50, 1000
rng = np.random.default_rng(0)
shapes = [(n, 3), (n,), (n,), (2, n), (2,)]
interface = {name: 0.1 * rng.standard_normal(shape) for name, shape in zip(INTERFACE, shapes, strict=True)}
trainable = {"weights": np.arange(n * (n - 1))}
net = random_network(n, 1.0, rng)
own = Network(net, activation="tanh", form="rate", dt=0.5, trainable=trainable, interface=interface)
inputs = torch.zeros(time, batch, 3, dtype=torch.float64)
for steps, segment in ((20, 10), (time // 2, 50), (time, 50), (time, 0)):
    trial_readout(own.dynamics(), own.interface, inputs[:steps], segment=segment).square().mean().backward()
    print(next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the most memory so far is in /proc")
@pytest.mark.parametrize(("steps", "paths"), [("eager", 2.5), ("compiled", 2)])
def test_the_memory_of_a_long_trial_is_that_of_a_segment(steps, paths):
    """paths: rates and their adjoints; beside them, eager steps keep what the activation made of the rates."""
    done = subprocess.run([sys.executable, "-c", MEASURE, steps], capture_output=True, check=True)
    half, parts, whole = np.diff([1024 * int(line) for line in done.stdout.split()])
    path = 1000 * 50 * 100 * 8  # bytes of the rates
    assert half + parts + whole > paths * path
    assert parts < 0.4 * path  # of 500 steps more, whose rates alone are 0.5


# ---- experiments


def losses_of(out):
    return pd.read_csv(out / "0" / "iter_0" / "history.csv")["train_loss"].to_numpy()


def test_an_experiment_in_segments_gives_the_numbers_of_one_without(tmp_path):
    changes = (*N_BACK, "trainvalidate.precision=float64", "trainvalidate.state_noise=0.05")
    whole, parts, cut = (
        experiment(tmp_path, *changes, *more, name=name)
        for name, more in (
            ("whole", ()),
            ("parts", ("trainvalidate.segment=2",)),
            ("cut", ("trainvalidate.truncate=2",)),
        )
    )
    np.testing.assert_allclose(losses_of(parts), losses_of(whole), rtol=1e-10)
    for name in ("output_factors_final", "selection_factors_final"):
        np.testing.assert_allclose(arrays_of(parts)[name], arrays_of(whole)[name], rtol=1e-8, atol=1e-12)
        assert not np.allclose(arrays_of(cut)[name], arrays_of(whole)[name], rtol=1e-3)


def test_interrupted_in_segments_it_goes_on_to_the_same_bytes(tmp_path):
    changes = (*N_BACK, "trainvalidate.epochs=5", "trainvalidate.state_noise=0.05", "trainvalidate.segment=2",
               "trainvalidate.truncate=3", "execution.checkpoint_every=1")  # fmt: skip
    one = run_of(tmp_path, *changes)

    def finish(root, stop):
        folder = RunFolder(root / "0" / "iter_0")
        folder.create()
        train.execute([one], [folder], lambda run, row: None, stop)
        return contents(root) | {"0/iter_0/checkpoint.pt": 0}

    calls = iter(range(100))
    with pytest.raises(Interrupted):
        finish(tmp_path / "again", lambda: next(calls) == 2)
    assert not differing(finish(tmp_path / "again", bool), finish(tmp_path / "whole", bool))
