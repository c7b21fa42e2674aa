"""What a later stage finds of an earlier one: the run that is meant, and its network as it was."""

from pathlib import Path

import numpy as np
import pytest
import torch

import runrandomnet
from randomnet.artifacts import sources, trained_networks
from randomnet.build.network import build_setup
from randomnet.build.trials import trials_of
from randomnet.kinds.train import run as train
from randomnet.results import ResultsFolder
from randomnet.rnn import FORMS, Network, network_from_description
from randomnet.schema.plan import read_plan
from randomnet.settings import ConfigError
from randomnet.synthetic import random_network
from randomnet.training import Interrupted

INI = """
[experiment]
kind = train
[paths]
path_to_results = {out}
[net]
roi = random
n = 12
[model]
activation = tanh
dt = 0.5
form = {form}
tau = {tau}
[trialparams]
task_name = flip_flop
nr_of_trials = 20
trial_steps = 30
[trainvalidate]
init = connectome
epochs = 3
lr = 0.05
iterations = 2
[execution]
workers = 1
"""


def trained(folder: Path, form: str = "rate", more: str = "", tau: float = 1, overrides=()) -> ResultsFolder:
    path = folder / "train.ini"
    path.write_text(INI.format(out=folder / "trained", form=form, tau=tau) + more)
    assert runrandomnet.main([str(path), *(part for one in overrides for part in ("--set", one))]) == 0
    return ResultsFolder(folder / "trained")


@pytest.mark.parametrize("more", ["", "[combosparams]\ncombos_params = {\"rank\": [2]}\n"], ids=["full", "low rank"])
@pytest.mark.parametrize(("form", "tau"), [(form, tau) for form in FORMS for tau in (1, 2)])
def test_a_stored_network_is_the_one_that_was_trained(tmp_path, form, tau, more):
    folder = trained(tmp_path, form, more, tau)
    [run, *_] = read_plan(tmp_path / "train.ini").combos[0].runs()
    found = trained_networks.load_trained(folder.run(0, 0), "last")
    network = build_setup(run).network
    network.assign(trained_networks.read_model(folder.run(0, 0).path / "model.pt")["last"])
    inputs = torch.from_numpy(trials_of(run)[1].inputs)
    states, outputs = found.run(inputs)
    with torch.no_grad():
        torch.testing.assert_close(outputs, network(inputs), rtol=1e-5, atol=1e-6)
        rates = network.run(inputs.transpose(0, 1))[0].transpose(0, 1)
    torch.testing.assert_close(found.system.rates(states), rates, rtol=1e-5, atol=1e-6)
    assert (found.n, found.channels, found.outputs, found.dt) == (12, 3, 3, 0.5) and len(states) == len(inputs)
    torch.testing.assert_close(found.readout(found.step(found.rest(4), inputs[:4, 0])), outputs[:4, 0])


def test_a_network_is_restored_from_its_description_and_values():
    rng = np.random.default_rng(0)
    connectome = random_network(6, 1.0, rng)
    own = Network(connectome, activation="tanh_positive", form="rate", dt=0.1, groups=np.arange(6) % 2)
    own.assign({**own.values(), "gains": torch.tensor([1.5, 0.5]), "shifts": torch.tensor([0.1, -0.2])})
    other, state = network_from_description(own.description(), own.values()), torch.from_numpy(rng.standard_normal(6))
    assert torch.equal(other.dynamics().step(state), own.dynamics().step(state))
    assert not any(parameter.requires_grad for parameter in other.parameters())


def meant(path: Path, folder: str, combo="same", iteration="same"):
    plan = read_plan(path, ["experiment.kind=record", f"source.folder={folder}", f"source.combo={combo}",
                            f"source.iteration={iteration}"])  # fmt: skip
    return sources.source_of(plan.combos[0].runs()[-1], "train")


def record_ini(folder: Path) -> Path:
    path = folder / "record.ini"
    task = "[trialparams]\ntask_name = flip_flop\n"
    path.write_text(f"[experiment]\nkind = record\n[trainvalidate]\niterations = 2\n{task}")
    return path


def test_the_run_that_is_meant(tmp_path):
    folder, path = trained(tmp_path), record_ini(tmp_path)
    assert meant(path, folder.root).path == folder.run(0, 1).path
    assert meant(path, folder.root, iteration=0).path == folder.run(0, 0).path
    with pytest.raises(ConfigError, match=r"\[source\] combo: expected one of .*, 0, got 1"):
        meant(path, folder.root, combo=1)
    with pytest.raises(ConfigError, match=r"\[source\] iteration: expected one of .*, 0 to 1, got 2"):
        meant(path, folder.root, iteration=2)
    (folder.run(0, 1).path / "run.json").unlink()
    with pytest.raises(ConfigError, match="which is missing"):
        meant(path, folder.root)


def test_what_is_no_source_is_said_so(tmp_path):
    path = record_ini(tmp_path)
    for folder, text in (("", "got nothing"), (tmp_path / "no", "which is not there"), (tmp_path, "which is none")):
        with pytest.raises(ConfigError, match=f"expected the results folder of an experiment of kind = train.*{text}"):
            meant(path, folder)
    folder = trained(tmp_path)
    with pytest.raises(ConfigError, match=r"kind = fit, got .*, which is of kind = train"):
        sources.manifest_of(folder.root, "fit")
    (folder.run(0, 0).path / "model.pt").write_bytes(b"no model")
    with pytest.raises(ConfigError, match=r"expected a model.pt in it, got .*model\.pt"):
        trained_networks.load_trained(folder.run(0, 0))


# ---- cells as task networks


CELLS_INI = ["model.architecture=gru", "model.hidden_size=16", "trainvalidate.epochs=5"]


def without_network(folder: Path, overrides) -> tuple[Path, list[str]]:
    path = folder / "cells.ini"
    text = INI.format(out=folder / "trained", form="rate", tau=1)
    start, end = text.index("[net]"), text.index("[trialparams]")
    path.write_text(text[:start] + text[end:].replace("init = connectome\n", ""))
    return path, [part for one in overrides for part in ("--set", one)]


@pytest.mark.parametrize("more", [["model.architecture=gru"], ["model.architecture=rnn"], ["model.architecture=linear"],
                                  pytest.param(["model.architecture=node", "model.mlp_units=20"],
                                               marks=pytest.mark.slow),
                                  pytest.param(["model.architecture=gru", "trainvalidate.state_noise=0.01"],
                                               marks=pytest.mark.slow)])  # fmt: skip
def test_cells_learn_a_task_and_are_stored(tmp_path, more):
    few = ["model.hidden_size=16", "trainvalidate.epochs=60", "trainvalidate.lr=0.01"]
    path, given = without_network(tmp_path, [*few, *more])
    assert runrandomnet.main([str(path), *given]) == 0
    folder = ResultsFolder(tmp_path / "trained")
    summary, about = (folder.run(0, 0).record[name] for name in ("summary", "connectome"))
    assert summary["loss_final"] < 0.8 * summary["loss_initial"]
    assert more[0].endswith(about["name"]) and about["neurons"] == 16 and not about["synthetic"]
    assert about["source"].endswith("parameters, drawn anew in every iteration, constrained by no connectome")
    found = trained_networks.load_trained(folder.run(0, 0), "last")
    [run, _] = read_plan(path, given[1::2]).combos[0].runs()
    network = build_setup(run).network
    network.assign(trained_networks.read_model(folder.run(0, 0).path / "model.pt")["last"])
    inputs = torch.from_numpy(trials_of(run)[1].inputs)
    with torch.no_grad():
        torch.testing.assert_close(found.run(inputs)[1], network(inputs), rtol=1e-5, atol=1e-5)
    assert (found.n, found.channels, found.outputs) == (16, 3, 3)
    assert found.run(inputs.double())[0].dtype == torch.float32
    assert trained_networks.load_trained(folder.run(0, 0), double=True).rest(2).dtype == torch.float64


def test_cells_go_on_to_the_same_bytes_where_they_were_interrupted(tmp_path):
    for name in ("whole", "parts"):
        (tmp_path / name).mkdir()
    noise = [*CELLS_INI, "trainvalidate.state_noise=0.05", "trainvalidate.iterations=1"]
    path, given = without_network(tmp_path / "whole", noise)
    assert runrandomnet.main([str(path), *given]) == 0
    whole = tmp_path / "whole" / "trained" / "0" / "iter_0"
    path, given = without_network(tmp_path / "parts", noise)
    [run] = read_plan(path, given[1::2]).combos[0].runs()
    folder = ResultsFolder(tmp_path / "parts" / "trained").run(0, 0)
    folder.create()
    told = []
    with pytest.raises(Interrupted):
        train.execute([run], [folder], lambda run, row: told.append(row), lambda: len(told) >= 2)
    assert folder.checkpoint.exists() and len(told) == 2
    [(_, record)] = train.execute([run], [folder], lambda run, row: None, lambda: False)
    assert record["status"] == "complete"
    for name in ("model.pt", "arrays.npz"):
        assert (folder.path / name).read_bytes() == (whole / name).read_bytes(), name


@pytest.mark.parametrize(
    ("overrides", "text"),
    [
        (["model.activation=tanh"], "[model] activation: applies only where model.architecture = network"),
        (["net.roi=EB"], "[net] roi: applies only where model.architecture = network"),
        (["trainvalidate.loss=task + 0.1*mse"], "[trainvalidate] loss: expected task with model.architecture = gru"),
        (["lyapunov.spectrum_every=2"], "[lyapunov] spectrum_every: expected 0 with model.architecture = gru"),
        (["trainvalidate.segment=5"], "[trainvalidate] segment: expected 0 with"),
        (["execution.batch_runs=2"], "[execution] batch_runs: expected auto or 1 with"),
        (["model.mlp_units=5"], "[model] mlp_units: applies only where model.architecture = node"),
    ],
)
def test_what_cells_cannot_is_said_in_one_line(tmp_path, capsys, overrides, text):
    path, given = without_network(tmp_path, [*CELLS_INI, *overrides])
    assert runrandomnet.main([str(path), *given]) == 2
    error = capsys.readouterr().err
    assert text in error and len(error.splitlines()) == 1 and not (tmp_path / "trained").exists()
    path, given = without_network(tmp_path, ["model.architecture=gro"])
    assert runrandomnet.main([str(path), *given]) == 2 and "did you mean 'gru'?" in capsys.readouterr().err
