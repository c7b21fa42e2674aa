"""Checkpoints and models that are damaged or of other content: runs start anew, sources end in one line."""

import math
from types import SimpleNamespace

import pytest
import torch

from randomnet import results
from randomnet.artifacts.inferred_models import load_inferred
from randomnet.artifacts.trained_networks import load_trained
from randomnet.kinds.checkpoints import continued, read_checkpoint, torch_bytes
from randomnet.kinds.train import measurements
from randomnet.lyapunov import Schedule
from randomnet.objectives import SpectrumLoss, Trajectory, are_counts
from randomnet.settings import ConfigError
from randomnet.training import Progress, Settings


class Two:
    """A network with two values, the first of which is trained."""

    weights = torch.zeros(3, requires_grad=True)

    def values(self):
        return {"weights": torch.zeros(3), "gains": torch.ones(2)}

    def named_parameters(self):
        return iter([("weights", self.weights)])


class Counting:
    """An objective whose state is a number of updates."""

    def can_load(self, states):
        return are_counts(states, [{"updates": 0}])


VALUES, ROWS = Two().values(), [{"epoch": 0, "train_loss": 2.0}, {"epoch": 1, "train_loss": 1.0, "grad_norm": 0.1}]
PROGRESS = vars(Progress(ROWS, 2, best=VALUES, last=VALUES, best_loss=1.0, best_epoch=1, last_epoch=1))
OPTIMIZER = {"updates": 2, "means": [torch.zeros(3), torch.zeros(3)]}


def state(**changes):
    return {"progress": PROGRESS, "optimizer": OPTIMIZER, "values": VALUES, "objective": {"updates": 2}} | changes


def trained(**changes):
    return {**WHOLE, "training": [state(**changes)]}


def progress(**changes):
    return trained(progress=PROGRESS | changes)


def optimizer(**changes):
    return trained(optimizer=OPTIMIZER | changes)


WHOLE = {"seconds": 1.0, "training": [state()], "initial": [None]}


def go_on(path):
    settings = [Settings("Adam", 0.1, 5)]
    return continued([path], read_checkpoint(path, torch.device("cpu")), [Two()], Counting(), settings, ["initial"])


@pytest.mark.parametrize(
    "content",
    [
        {**WHOLE, "seconds": "1"},
        {**WHOLE, "training": []},
        {**WHOLE, "training": [state(), state()]},
        {**WHOLE, "training": [3]},
        {**WHOLE, "training": [state(values={"weights": torch.zeros(4), "gains": torch.ones(2)})]},
        {**WHOLE, "training": [state(values={"weights": torch.zeros(3)})]},
        {**WHOLE, "training": [state(values={"weights": 3, "gains": 2})]},
        {**WHOLE, "training": [state(optimizer={"updates": 0})]},
        trained(values={**VALUES, "weights": torch.zeros(3).double()}),
        trained(values={**VALUES, "weights": torch.zeros(3).to_sparse()}),
        trained(values={**VALUES, "weights": torch.full((3,), torch.nan)}),
        trained(values={**VALUES, "weights": torch.zeros(3, device="meta")}),
        trained(objective={"updates": -1}),
        trained(objective=None),
        optimizer(means=[torch.zeros(3)]),
        optimizer(means=[torch.zeros(4), torch.zeros(4)]),
        optimizer(means=[torch.zeros(3), torch.full((3,), torch.nan)]),
        optimizer(means=[torch.zeros(3), torch.zeros(3, device="meta")]),
        optimizer(means=[torch.zeros(3), torch.full((3,), -1.0)]),
        optimizer(updates=10**400),
        progress(epoch=-3),
        progress(epoch=10**9),
        progress(epoch=True),
        progress(history=[None]),
        progress(history=[{"train_loss": 1.0}]),
        progress(history=ROWS[::-1]),
        progress(history=[{**ROWS[0], "validate_loss": 1.0}, ROWS[1]]),
        progress(history=[]),
        progress(best={"weights": torch.zeros(4)}),
        progress(lowest="x"),
        progress(diverged=math.inf),
        progress(reason=None),
        progress(updates={"grad_norm": []}),
        progress(other=1),
        {**WHOLE, "seconds": math.nan},
        {**WHOLE, "seconds": -1.0},
        {**WHOLE, "initial": []},
        {name: value for name, value in WHOLE.items() if name != "initial"},
        [1, 2],
        torch.zeros(3),
        b"",
        b"hello",
        b"[" * 100_000,
    ],
)
def test_a_checkpoint_that_does_not_fit_is_set_aside(tmp_path, content):
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(torch_bytes(WHOLE))
    assert go_on(path)["seconds"] == 1
    path.write_bytes(content if isinstance(content, bytes) else torch_bytes(content))
    assert go_on(path) is None
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.damaged"]


def test_tensors_of_a_checkpoint_need_no_gradient(tmp_path):
    path = tmp_path / "checkpoint.pt"
    means = [torch.zeros(3, requires_grad=True), torch.zeros(3)]
    torch.save(optimizer(means=means), path)
    (kept,) = go_on(path)["training"]
    assert not kept["optimizer"]["means"][0].requires_grad


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", [1], 3, {}, {"network": 3}, {"network": {}, "best": {}}, {"network": {"n": -1}, "best": None},
     {"network": {"architecture": "no"}, "best": {}}, {"description": [], "best": {}}],
)  # fmt: skip
def test_a_model_that_is_none_is_one_line(tmp_path, content):
    path = tmp_path / "model.pt"
    path.write_bytes(content if isinstance(content, bytes) else torch_bytes(content))
    for load in (load_trained, load_inferred):
        with pytest.raises(ConfigError, match=r"\[source\] folder: expected a model\.pt") as error:
            load(results.RunFolder(tmp_path))
        assert len(str(error.value).splitlines()) == 1


def test_an_ended_training_may_hold_infinities(tmp_path):
    path, infinite = tmp_path / "state.pt", torch.full((3,), torch.inf)
    values = {**VALUES, "weights": infinite}
    for reason in ("", "epoch 1: the loss is nan"):
        ended = state(values=values, progress=PROGRESS | {"diverged": bool(reason), "reason": reason})
        path.write_bytes(torch_bytes({**WHOLE, "training": [ended]}))
        assert (go_on(path) is None) == (not reason)


TRAJECTORY = Trajectory(True, 2.0, torch.zeros(4), torch.zeros(2, 4), 0.5, 0.4, 1)
FORGED = {"window": 1e9, "state": torch.zeros(3), "frame": None, "smoothed": "x", "waited": -1, "warm": 1, "other": 1}


@pytest.mark.parametrize("name", list(FORGED))
def test_a_trajectory_is_checked(name):
    loss = SpectrumLoss("l2", torch.zeros(2), torch.zeros(4), torch.zeros(2, 4), Schedule(8.0))
    fresh = Trajectory(True, 2.0)
    assert fresh.can_load(vars(TRAJECTORY), loss) and fresh.can_load(vars(fresh), loss)
    assert not fresh.can_load(vars(TRAJECTORY) | {name: FORGED[name]}, loss)


def test_untrained_measurements_of_another_form_are_made_again(monkeypatch):
    class Model:
        now = 1.0

        def values(self):
            return {"weights": torch.tensor(self.now)}

        def assign(self, values):
            self.now = float(values["weights"])

    setup = SimpleNamespace(network=Model())
    monkeypatch.setattr(measurements, "measure", lambda run, setup, objective: {"exponents": setup.network.values()})
    values, final = {"weights": torch.tensor(3.0)}, {"exponents": {"weights": torch.tensor(1.0)}}
    for saved in ({}, None, {"exponents": {"weights": torch.zeros(2)}}, {"exponents": {"weights": 2.0}}):
        measured = measurements.measured_before(None, setup, None, values, saved, final)
        assert float(measured["exponents"]["weights"]) == 3 and setup.network.now == 1
    saved = {"exponents": {"weights": torch.tensor(2.0)}}
    assert measurements.measured_before(None, setup, None, values, saved, final) is saved
