"""Networks of regions described in the INI alone: the same networks as in files, and every slip named in its words."""

import json

import numpy as np
import pandas as pd
import pytest

import runrandomnet
from randomnet.build.connectome import connectome_of
from randomnet.build.network import build_setup
from randomnet.schema.config import SCHEMA
from randomnet.schema.plan import read_plan
from randomnet.settings.help import help_text
from randomnet.values.regions import InputList, ProjectionList, RegionList
from tests.support import made_up

INI = """
[experiment]
kind = {kind}
seed = 2
[paths]
path_to_results = {out}
[net]
source = regions
[model]
activation = tanh_positive
form = rate
{more}
[execution]
workers = 1
"""
SPECTRUM = "[lyapunov]\ntsim = 4\nnle = 2\ntransient = 1\nframe_transient = 1\n"
FIRST = """
[regions]
regions =
    striatum: 100 d1 .5 d2 .5   ; the medium spiny neurons
    gpe: 50 base_firing 1 init 1,
    stn: 50 base_firing 1
    # all of it inhibits
    snr: 50 init 1 base_firing 1

    thal: 50 base_firing 1, alm: 50 exc .7 inhib .3
[projections]
projections =
    striatum -> striatum: .3 inhib
    striatum/d2 -> gpe: inhib
    striatum/d1 -> snr: inhib 1
    gpe -> stn: inhib
    stn -> snr: exc
    snr -> thal: inhib
    thal -> striatum, thal -> alm
    alm/exc -> alm: 1 exc
    alm/inhib -> alm: inhib
    alm/exc -> striatum
"""
SECOND = """
[regions]
regions = d1: 50 neg parent striatum, d2: 50 neg parent striatum, alm_exc: 40 parent alm, alm_inhib: 10 neg parent alm
[projections]
projections = d1 -> d1: .1, d1 -> d2: sparsity .9, d2 -> alm_exc: density .75, alm_exc -> d1, alm_inhib -> alm_exc
"""


def region(name, units, **others):
    return {"name": name, "num_units": units, **others}


def from_to(source, target, sign="exc", source_type=None, target_type=None, **others):
    return {"src_region": source, "dst_region": target, "sign": sign, "src_region_cell_type": source_type,
            "dst_region_cell_type": target_type, **others}  # fmt: skip


FIRST_JSON = {
    "recurrent_regions": [
        region("striatum", 100, base_firing=0, cell_types={"d1": 0.5, "d2": 0.5}),
        region("gpe", 50, base_firing=1, init=1),
        region("stn", 50, base_firing=1),
        region("snr", 50, base_firing=1, init=1),
        region("thal", 50, base_firing=1),
        region("alm", 50, base_firing=0, cell_types={"exc": 0.7, "inhib": 0.3}),
    ],
    "recurrent_connections": [
        from_to("striatum", "striatum", "inhib", sparsity=0.7),
        from_to("striatum", "gpe", "inhib", "d2"),
        from_to("striatum", "snr", "inhib", "d1"),
        from_to("gpe", "stn", "inhib"),
        from_to("stn", "snr"),
        from_to("snr", "thal", "inhib"),
        from_to("thal", "striatum"),
        from_to("thal", "alm"),
        from_to("alm", "alm", "exc", "exc"),
        from_to("alm", "alm", "inhib", "inhib"),
        from_to("alm", "striatum", "exc", "exc"),
    ],
}
SECOND_JSON = {
    "recurrent_regions": [
        region("d1", 50, sign="neg", parent_region="striatum"),
        region("d2", 50, sign="neg", parent_region="striatum"),
        region("alm_exc", 40, parent_region="alm"),
        region("alm_inhib", 10, sign="neg", parent_region="alm"),
    ],
    "recurrent_connections": [
        {"src_region": "d1", "dst_region": "d1", "sparsity": 0.9},
        {"src_region": "d1", "dst_region": "d2", "sparsity": 0.9},
        {"src_region": "d2", "dst_region": "alm_exc", "sparsity": 0.25},
        {"src_region": "alm_exc", "dst_region": "d1"},
        {"src_region": "alm_inhib", "dst_region": "alm_exc"},
    ],
}
SMALL = """
[regions]
regions = cortex: 8 exc .75 inhib .25 base_firing 1, thalamus: 4
[projections]
projections = cortex/exc -> thalamus, cortex/inhib -> cortex: inhib, thalamus -> cortex: .5
"""


def ini(folder, more=SMALL + SPECTRUM, kind="spectrum", name="a"):
    path = folder / f"{name}.ini"
    path.write_text(INI.format(out=folder / "out", kind=kind, more=more))
    return path


def run(path, *overrides):
    return runrandomnet.main([str(path), *(part for one in overrides for part in ("--set", one))])


def network(path, *overrides):
    return connectome_of(read_plan(path, overrides).combos[0].runs()[0])


@pytest.mark.parametrize(("text", "content"), [(FIRST, FIRST_JSON), (SECOND, SECOND_JSON)])
def test_the_network_is_that_of_a_file(tmp_path, text, content):
    file = tmp_path / "net.json"
    file.write_text(json.dumps(content))
    of_file = network(ini(tmp_path, f"[regions]\nregions_file = {file}\n" + SPECTRUM, name="file"))
    listed = network(ini(tmp_path, text + SPECTRUM))
    assert listed.sha256() == of_file.sha256() and listed.name == "regions"
    assert listed.provenance == of_file.provenance


def test_signs_of_regions_and_of_connections_and_cell_types_go_together(tmp_path):
    text = """[regions]
regions = a: 4 neg x .5 y .5 parent p, b: 2
[projections]
projections = a/x -> b, a/y -> a/x: inhib, b -> a/y
"""
    matrix = network(ini(tmp_path, text + SPECTRUM)).dense()
    signs = [[0, 0, -1, -1, 0, 0], [0, 0, -1, -1, 0, 0], [0, 0, 0, 0, 1, 1], [0, 0, 0, 0, 1, 1],
             [-1, -1, 0, 0, 0, 0], [-1, -1, 0, 0, 0, 0]]  # fmt: skip
    np.testing.assert_array_equal(np.sign(matrix), signs)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (RegionList(), "striatum: 100 neg d1 0.5 d2 0.5 base_firing 1.0 init 0.2 tau 2.0 parent bg, thal: 50"),
        (InputList(), "light: 3, cue: 1 neg"),
        (ProjectionList(), "a/x -> b/y: density 0.3 inhib, b -> a, light -> a: sparsity 0.9, b -> b: exc"),
    ],
)
def test_entries_print_as_they_are_written(kind, text):
    entries = kind.parse(text)
    assert str(entries) == text and kind.parse(str(entries)) == entries
    assert kind.parse("none") == () and str(kind.parse("none")) == "none"
    for example in kind.expected.partition("such as ")[2].removesuffix(", or none").split(", "):
        assert len(kind.parse(example)) == 1


def test_an_experiment_on_them_runs_goes_on_and_can_be_repeated_from_its_folder(tmp_path):
    path = ini(tmp_path, FIRST.replace("100", "10").replace("50 ", "6 ").replace("\n", "\n") + SPECTRUM)
    assert run(path) == 0 and run(path) == 0
    folder = tmp_path / "out"
    [combo] = json.loads((folder / "manifest.json").read_text())["combos"]
    assert combo["settings"]["regions.regions"][0][:2] == ["striatum", 10]
    again = network(folder / "config.ini")
    assert again.sha256() == combo["connectome"]["sha256"] == network(path).sha256()
    with_more = path.read_text().replace("stn -> snr: exc", "stn -> snr: .5 exc")
    path.write_text(with_more)
    assert run(path) == 2, "another network"


def test_projections_can_be_an_axis_of_the_grid(tmp_path):
    text = SMALL.partition("[projections]")[0]
    axis = '{"projections": ["cortex/exc -> cortex", "cortex/exc -> cortex: .5, thalamus -> cortex"]}'
    assert run(ini(tmp_path, f"{text}{SPECTRUM}[combosparams]\ncombos_params = {axis}\n")) == 0
    summary = pd.read_csv(tmp_path / "out" / "summary.csv")
    assert summary["status"].tolist() == ["complete"] * 2 and summary["lambda_max"].nunique() == 2


def test_regions_have_their_own_time_constants(tmp_path):
    path = ini(tmp_path, SMALL.replace("thalamus: 4", "thalamus: 4 tau 5") + SPECTRUM)
    start = build_setup(read_plan(path).combos[0].runs()[0])
    np.testing.assert_allclose(start.network.leaks, [0.1] * 8 + [0.02] * 4)
    by_name = build_setup(read_plan(ini(tmp_path), ["model.tau=cortex: 1, thalamus: 5"]).combos[0].runs()[0])
    np.testing.assert_array_equal(start.network.leaks, by_name.network.leaks)
    assert run(path) == 0


def test_the_help_shows_how(tmp_path):
    text = help_text(SCHEMA, "regions") + help_text(SCHEMA, "projections")
    for shown in ("striatum: 100 neg d1 .5 d2 .5", "regions_file", "light: 3", "striatum/d1 -> thalamus: .3 inhib"):
        assert shown in text


FILE = "[regions] regions_file: expected"
REGION, PROJECTION = "regions.regions=", "projections.projections="
CORTEX = REGION + "cortex: 8"


@pytest.mark.parametrize(
    ("overrides", "text"),
    [
        (["regions.regions_file=x.json"], FILE + " nothing, as [regions] regions lists them, got 'x.json'"),
        ([REGION + "none", PROJECTION + "none"], FILE + " a JSON file, or the regions themselves in [regions] regions"),
        ([REGION + "cortex: many"], "in 'cortex: many': expected a whole number of units, got 'many'"),
        ([REGION + "cortex"], "in 'cortex' something is missing"),
        ([REGION + "cortex: 8 tau"], "in 'cortex: 8 tau' something is missing"),
        ([REGION + "cortex: 8 exc a"], "expected a number, got 'a'"),
        ([REGION + "cortex: 8 pos neg"], "'neg' is there twice, or beside another sign"),
        ([REGION + "cortex: 8 init 1 init 2"], "'init' is there twice"),
        ([REGION + "cortex: 8 init inf"], "expected a finite number, got 'inf'"),
        ([REGION + ": 8"], "expected a name"),
        ([REGION + "cortex: 0, thalamus: 4"], "[regions] regions: 'cortex: 0': num_units: expected a whole"),
        ([REGION + "cortex: 8 a .5 b .6, thalamus: 4"], "cell_types: expected fractions that sum to 1, got"),
        ([REGION + "thalamus: 4, cortex: 8, thalamus: 9"], "'thalamus: 9': name: expected a unique name, got "
         "'thalamus', the name of 'thalamus: 4'"),
        ([REGION + "cortex: 8, thalamus: 4 tau .05"], "[regions] regions: expected time constants of at least"),
        ([CORTEX + " tau 2, thalamus: 4", "model.tau=3"], "[model] tau: expected 1, as [regions] regions has time"),
        ([REGION + "cortex: 8000000000, thalamus: 4", PROJECTION + "thalamus -> cortex"], "a network that fits into"),
        ([PROJECTION + "cortex - thalamus"], "in 'cortex - thalamus': expected from -> to"),
        ([PROJECTION + "cortex/ -> thalamus"], "expected a region or region/type, got 'cortex/'"),
        ([PROJECTION + "cortex -> thalamus: lots"], "expected a number, got 'lots'"),
        ([PROJECTION + "cortex -> thalamus: .3 density .4"], "'density' is there twice"),
        ([PROJECTION + "cortex -> thalamus: exc inhib"], "'inhib' is there twice, or beside another sign"),
        ([PROJECTION + "cortex -> thalamus: 2"], "density: expected a number in 0..1, got 2.0"),
        ([PROJECTION + "cortex -> thalamus: .5 sparsity .5"], "expected sparsity or density = 1 - sparsity, got both"),
        ([PROJECTION + "kortex -> thalamus"], "'kortex -> thalamus': expected from one of cortex, thalamus, got "
         "'kortex'; did you mean 'cortex'?"),
        ([PROJECTION + "cortex -> thalamos"], "[projections] projections: 'cortex -> thalamos': dst_region: expected "
         "one of cortex, thalamus, got 'thalamos'; did you mean 'thalamus'?"),
        ([PROJECTION + "cortex/ex -> thalamus"], "src_region_cell_type: expected one of exc, inhib, got 'ex'"),
        ([PROJECTION + "thalamus/a -> cortex"], "as thalamus has no cell types"),
        ([PROJECTION + "cortex -> thalamus, cortex -> thalamus: .5"], "as in 'cortex -> thalamus'"),
        ([CORTEX + " neg, thalamus: 4", PROJECTION + "cortex -> thalamus: exc"],
         "'cortex -> thalamus: exc': sign: expected that of cortex, inhib, got exc"),
        (["regions.inputs=light: 3 maybe"], "[regions] inputs: expected inputs with their units"),
        (["regions.inputs=light: 0"], "[regions] inputs: 'light: 0': num_units: expected"),
        (["regions.inputs=cortex: 3"], "got 'cortex', the name of 'cortex: 8"),
        (["regions.inputs=light: 3", PROJECTION + "light/a -> cortex"],
         "'light/a -> cortex': expected no cell type, as light is an input, got 'a'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_line(tmp_path, capsys, overrides, text):
    path = ini(tmp_path)
    path.write_text(made_up.without(path.read_text(), overrides))
    assert run(path, *overrides) == 2
    error = capsys.readouterr().err
    assert text in error and len(error.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_simulations_have_no_time_constants_of_regions(tmp_path, capsys):
    path = ini(tmp_path, SMALL.replace("thalamus: 4", "thalamus: 4 tau 5"), "simulate")
    path.write_text(path.read_text().replace("form = rate\n", "").replace("activation = tanh_positive\n", ""))
    assert run(path) == 2
    assert "[regions] regions: expected regions without tau with kind = simulate" in capsys.readouterr().err


def test_projections_are_not_read_beside_a_file(tmp_path, capsys):
    file = tmp_path / "net.json"
    file.write_text(json.dumps(SECOND_JSON))
    path = ini(tmp_path, f"[regions]\nregions_file = {file}\n[projections]\nprojections = d1 -> d2\n" + SPECTRUM)
    assert run(path) == 2
    said = "[projections] projections: applies only where regions.regions lists the regions"
    assert said in capsys.readouterr().err
