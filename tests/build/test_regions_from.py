"""Regions of measured networks, from labels of another kind."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch

import runrandomnet
from randomnet.build.connectome import connectome_of
from randomnet.connectome import from_dense
from randomnet.multiregion import MultiRegionRNN
from randomnet.schema.plan import read_plan

INI = """
[experiment]
kind = {kind}
[paths]
path_to_results = {out}
path_to_network = {folder}
[net]
roi = TINY
source = flystability
regions_from = {label}
normalization = none
[execution]
workers = 1
{more}
"""
SPECTRUM = "[lyapunov]\ntsim = 4\ntransient = 1\nframe_transient = 1\n"


@pytest.fixture
def ini(roi_folder, tmp_path):
    folder = roi_folder().parent

    def write(label="neurotransmitter", kind="spectrum", more=SPECTRUM):
        path = tmp_path / "a.ini"
        path.write_text(INI.format(kind=kind, out=tmp_path / "out", folder=folder, label=label, more=more))
        return path

    return write


def network(path, *overrides):
    return connectome_of(read_plan(path, overrides).combos[0].runs()[0])


def test_regions_are_the_labels_of_that_kind(ini):
    for kind in ("neurotransmitter", "cell_fibers"):
        found = network(ini(kind))
        np.testing.assert_array_equal(found.labels["region"], found.labels[kind])
        assert found.provenance["regions_from"] == kind
    plain = network(ini(""))
    assert "region" not in plain.labels and plain.sha256() != found.sha256()
    null = network(ini("cell_fibers"), "net.null=degree")
    np.testing.assert_array_equal(null.labels["region"], found.labels["region"])


def test_they_are_stimulated_and_averaged_by_and_have_time_constants(ini, tmp_path):
    regions = list(dict.fromkeys(network(ini()).labels["region"].tolist()))
    more = f"[analysis]\nduration = 3\n[stimulation]\nunits = {regions[1]}\nonset = 1\noffset = 2\nby = region\n"
    taus = ", ".join(f"{name}: {number}" for number, name in enumerate(regions, 1))
    assert runrandomnet.main([str(ini(kind="stimulate", more=more)), "--set", f"model.tau={taus}"]) == 0
    arrays = np.load(tmp_path / "out" / "0" / "iter_0" / "arrays.npz")
    assert arrays["groups"].tolist() == regions
    assert set(pd.read_csv(tmp_path / "out" / "summary.csv")["targets"]) == {
        (network(ini()).labels["region"] == regions[1]).sum()
    }


def test_gains_are_trained_by_them(ini, tmp_path):
    more = "tsim_measured = 4\n[model]\ngroups = region\n[trainvalidate]\nepochs = 2\n"
    path = ini("cell_fibers", "train", SPECTRUM + more)
    assert runrandomnet.main([str(path)]) == 0
    arrays = np.load(tmp_path / "out" / "0" / "iter_0" / "arrays.npz")
    assert arrays["groups"].tolist() == sorted(set(network(path).labels["cell_fibers"]))


def test_a_label_that_is_not_there_is_refused_with_those_that_are(ini, tmp_path, capsys):
    assert runrandomnet.main([str(ini("cellfibers"))]) == 2
    error = capsys.readouterr().err
    assert "[net] regions_from: expected a kind of label, got 'cellfibers': TINY has no labels 'cellfibers'" in error
    assert "it has neurotransmitter, cell_fibers" in error and "did you mean 'cell_fibers'?" in error
    assert len(error.splitlines()) == 1 and not (tmp_path / "out").exists()
    path = tmp_path / "b.ini"
    path.write_text("[net]\nroi = random\nn = 9\nregions_from = type\n[experiment]\nkind = spectrum\n" + SPECTRUM)
    assert runrandomnet.main([str(path)]) == 2
    assert "[net] regions_from: applies only where net.roi is not random" in capsys.readouterr().err


def test_a_module_on_a_connectome_has_them():
    labels = {"type": np.array(["a", "b", "a"])}
    connectome = from_dense("three", np.ones((3, 3)), np.array(["x", "y", "z"]), labels)
    rnn = MultiRegionRNN(connectome, regions_from="type", tau={"a": 20.0, "b": 50.0}, input_size=1, noise_state=0.0)
    assert rnn.a == {"a": 0.5, "b": 0.2}
    given = dataclasses.replace(connectome, labels={"region": labels["type"]})
    other = MultiRegionRNN(given, tau={"a": 20.0, "b": 50.0}, input_size=1, noise_state=0.0)
    inputs = torch.ones(1, 4, 1)
    assert torch.equal(rnn.eval()(inputs)[0], other.eval()(inputs)[0])
    with pytest.raises(ValueError, match="regions_from: three has no labels 'typ'; it has type; did you mean 'type'"):
        MultiRegionRNN(connectome, regions_from="typ")
    with pytest.raises(ValueError, match="regions_from: expected none, as a description has its own regions"):
        MultiRegionRNN({"recurrent_regions": [{"name": "a", "num_units": 3}]}, regions_from="type")
