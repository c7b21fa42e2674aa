"""neurogym's environments: their trials as they are drawn one by one, what cannot be, and a network that learns one."""

import importlib.util
import sys

import numpy as np
import pandas as pd
import pytest

import runrandomnet
from randomnet.extras import install_line
from randomnet.tasks import TASKS, check_parameters, make

INSTALLED = pytest.mark.skipif(not importlib.util.find_spec("neurogym"), reason="neurogym is an extra")
EASY = '{"dt": 100, "cohs": [51.2]}'


def rng(seed=0):
    return np.random.default_rng(seed)


def run(*arguments):
    return runrandomnet.main([str(argument) for argument in arguments])


@INSTALLED
def test_trials_are_those_of_the_environment():
    """Drawn again, with the same seed, from the environment itself."""
    import neurogym

    trials = make("neurogym", {"nr_of_trials": 12, "env_params": EASY}, rng(3))
    env = neurogym.make("PerceptualDecisionMaking-v0", dt=100, cohs=[51.2]).unwrapped
    env.seed(int(rng(3).integers(2**31)))
    for inputs, targets, mask in zip(trials.inputs, trials.targets, trials.mask, strict=True):
        drawn = env.new_trial()
        np.testing.assert_array_equal(inputs, env.ob.astype(np.float32))
        np.testing.assert_array_equal(targets, env.gt)
        assert np.flatnonzero(mask).tolist() == [21]  # 100 ms after 2.1 s
        assert targets[21] == 1 + drawn["ground_truth"] and not targets[:21].any()
    assert (trials.loss, trials.outputs, trials.source) == ("classes", 3, "neurogym's PerceptualDecisionMaking-v0")


@INSTALLED
@pytest.mark.parametrize("env", ["DelayMatchSample-v0", "ContextDecisionMaking-v0", "GoNogo-v0"])
def test_the_same_seed_gives_the_same_trials(env):
    a, b, c = (make("neurogym", {"nr_of_trials": 6, "env": env}, rng(seed)) for seed in (5, 5, 6))
    assert a.inputs.tobytes() + a.targets.tobytes() == b.inputs.tobytes() + b.targets.tobytes()
    assert a.inputs.tobytes() + a.targets.tobytes() != c.inputs.tobytes() + c.targets.tobytes()
    assert TASKS["neurogym"].sizes(check_parameters("neurogym", {"env": env})) == (a.inputs.shape[2], a.outputs)


@INSTALLED
def test_trials_of_different_lengths_are_filled_up_and_not_scored_there():
    params = '{"timing": {"delay": ["uniform", [100, 1500]]}}'
    trials = make("neurogym", {"nr_of_trials": 30, "env_params": params, "env_period": "all"}, rng())
    lengths = trials.mask.sum(1)
    assert lengths.max() == trials.inputs.shape[1] and len(set(lengths)) > 5
    for inputs, mask, length in zip(trials.inputs, trials.mask, lengths, strict=True):
        assert mask[:length].all() and not inputs[length:].any()


@INSTALLED
@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"env": "PerceptualDecisionMakin-v0"}, "env: expected one of neurogym's, .* and .* more, got .*; did you mean "
                                                "'PerceptualDecisionMaking-v0'"),
        ({"env": "antigravity:x"}, "env: expected one of neurogym's, .* got 'antigravity:x'$"),
        ({"env": "CartPole-v1"}, "env: expected one of neurogym's, .* got 'CartPole-v1'"),  # gymnasium's own
        ({"env": "Bandit-v0"}, "env: expected an environment whose trials say what is right, got 'Bandit-v0'"),
        ({"env": "ReachingDelayResponse-v0"}, "env: expected an environment with finitely many actions, got "),
        ({"env_params": '{"x": 3}'}, "env_params: expected what PerceptualDecisionMaking-v0 takes, got .*argument 'x'"),
        ({"env_params": "[1]"}, r"env_params: expected JSON such as \{\"dt\": 100\}, got '\[1\]'"),
        ({"env_params": "{dt: 3}"}, "env_params: expected JSON such as"),
        ({"env_period": "decsion"}, "env_period: expected all, or a period of .* fixation, stimulus, delay, decision, "
                                    "got 'decsion'; did you mean 'decision'"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_error(given, text):
    with pytest.raises(ValueError, match=text) as found:
        make("neurogym", {"nr_of_trials": 5, **given}, rng())
    assert "\n" not in str(found.value)
    assert "antigravity" not in sys.modules  # gymnasium would import what stands before a colon


INI = """
[experiment]
name = a
[paths]
path_to_results = {folder}
[net]
roi = random
n = 30
[model]
activation = tanh
[trainvalidate]
epochs = 25
[trialparams]
task_name = neurogym
nr_of_trials = 200
env_params = {params}
[execution]
workers = 1
"""


@INSTALLED
def test_a_network_learns_to_decide(tmp_path):
    """Of easy trials most are decided rightly, where half are at random."""
    path = tmp_path / "a.ini"
    path.write_text(INI.format(folder=tmp_path / "out", params=EASY))
    assert run(path) == 0
    history = pd.read_csv(tmp_path / "out" / "0" / "iter_0" / "history.csv")
    assert history["validate_metrics"].iloc[-1] > 85 and history["validate_metrics"].iloc[0] < 85


@INSTALLED
def test_an_unknown_environment_ends_an_experiment_before_it_begins(tmp_path, capsys):
    path = tmp_path / "a.ini"
    path.write_text(INI.format(folder=tmp_path / "out", params=EASY))
    assert run(path, "--set", "trialparams.env=Chess-v0") == 2
    assert "[trialparams] env: expected one of neurogym's, " in capsys.readouterr().err


@pytest.mark.parametrize("architecture", ["network", "gru"])
def test_without_neurogym_one_sentence_says_so(tmp_path, monkeypatch, capsys, architecture):
    monkeypatch.setitem(sys.modules, "neurogym", None)
    path = tmp_path / "a.ini"
    text = INI.format(folder=tmp_path / "out", params="{}")
    path.write_text(text if architecture == "network" else text.replace("[net]\nroi = random\nn = 30\n", "").replace(
        "activation = tanh", "architecture = gru"))  # fmt: skip
    assert run(path) == 2
    said = capsys.readouterr().err
    assert "[trialparams] env: expected neurogym for its environments, got none installed" in said
    assert install_line("neurogym") in said and said.count("\n") == 1
