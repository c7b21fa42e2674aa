"""Options that PyTorch has too have its default, or their sentence states that default and whose the other one is."""

import inspect
import re

import pytest
import torch

from randomnet.optimizers import EPS, OPTIMIZERS
from randomnet.schema.config import SCHEMA
from randomnet.training.settings import PLATEAU

SCHEDULER = torch.optim.lr_scheduler.ReduceLROnPlateau
RULES = [getattr(torch.optim, name) for name in OPTIMIZERS]
NAMES = {  # PyTorch's parameter -> RandomNet's key, where these differ
    SCHEDULER: {"factor": "plateau_factor", "patience": "plateau_patience", "min_lr": "plateau_lr"},
}


def shared():
    """Every option that a class of PyTorch has too: class, option, PyTorch's default."""
    for made in (*RULES, SCHEDULER):
        for name, parameter in inspect.signature(made).parameters.items():
            key = ("trainvalidate", NAMES[made].get(name, "") if made in NAMES else name)
            if key in SCHEMA.options and parameter.default is not parameter.empty:
                yield pytest.param(made, key, parameter.default, id=f"{made.__name__}-{key[1]}")
    yield pytest.param(torch.nn.RNN, ("model", "activation"), torch.nn.RNN(1, 1).nonlinearity, id="RNN-activation")
    yield pytest.param(torch.nn.GRU, ("inference", "dropout"), torch.nn.GRU(1, 1).dropout, id="GRU-dropout")


@pytest.mark.parametrize(("made", "key", "default"), shared())
def test_a_default_is_pytorchs_or_the_sentence_states_pytorchs(made, key, default):
    sentence = SCHEMA.options[key].says
    if SCHEMA.default(key) != default or SCHEMA.options[key].defaults:
        assert "PyTorch" in sentence or f"torch.nn.{made.__name__}" in sentence, sentence
    if SCHEMA.default(key) != default:
        stated = f"{default:g}" if isinstance(default, float | int) else default
        assert re.search(rf"(?<![\w.]){re.escape(stated)}(?![\w]|\.\d)", sentence), sentence


def test_the_shared_options_are_those_that_are_known():
    keys = {param.values[1] for param in shared()}
    training = ("lr", "eps", "weight_decay", "plateau_factor", "plateau_patience", "plateau_lr")
    assert {*(("trainvalidate", name) for name in training), ("model", "activation"), ("inference", "dropout")} <= keys


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_constants_of_optimizers_are_pytorchs(name):
    signature = inspect.signature(getattr(torch.optim, name)).parameters
    if "eps" in signature:
        assert signature["eps"].default == EPS
    assert (OPTIMIZERS[name].decay or 0.0) == signature["weight_decay"].default


def test_the_threshold_of_a_plateau_is_pytorchs():
    assert inspect.signature(SCHEDULER).parameters["threshold"].default == PLATEAU
