"""Options under the names of earlier versions: in INIs, overrides and grids, and in results folders written then."""

import hashlib
import json
import re

import pandas as pd
import pytest

import runrandomnet
import visualization
from randomnet import results
from randomnet.comparison import matching
from randomnet.renamed_options import RENAMED, current_axis, current_manifest
from randomnet.schema.config import SCHEMA
from randomnet.schema.plan import read_plan
from randomnet.settings import ConfigError

WHERE = {  # what makes a run read the option
    "model": "[model]\narchitecture = node\n[trialparams]\ntask_name = flip_flop\n",
    "inference": "[experiment]\nkind = fit\n[inference]\narchitecture = node\n",
    "trainvalidate": "[trialparams]\ntask_name = flip_flop\n",
    "trialparams": "[trialparams]\ntask_name = flip_flop\n",
    "dynamics": "[experiment]\nkind = simulate\n",
    "comparing": "[experiment]\nkind = compare\n",
}
VALUES = {"inference.model": ["rnn", "gru"], "inference.plateau_factor": [0.5, 0.4]}
TASK = """
[experiment]
seed = 3
[paths]
path_to_results = {results}
{network}
[trialparams]
task_name = flip_flop
nr_of_trials = 8
trial_steps = 10
[trainvalidate]
epochs = 2
[combosparams]
combos_params = {grid}
[execution]
workers = 1
"""


NETWORK, CELLS = "[net]\nroi = random\nn = 12\n", ""


def text_of(earlier):
    """An INI in which a run reads the option, and two values for it."""
    section = earlier.partition(".")[0]
    text = WHERE[section].replace("architecture = node\n", "") if earlier == "inference.model" else WHERE[section]
    plateau = earlier in ("inference.plateau_patience", "inference.plateau_lr")
    return text + "[trainvalidate]\nplateau_factor = 0.5\n" * plateau, VALUES.get(earlier, [3, 2])


def plans(tmp_path, earlier):
    """The plan of an INI with today's name of an option, and those with the earlier one in the INI, --set and grid."""
    text, (value, other) = text_of(earlier)
    path = tmp_path / "experiment.ini"

    def read(name, *overrides, grid=None):
        section, _, key = name.partition(".")
        written = "" if overrides or grid else f"[{section}]\n{key} = {value}\n"
        path.write_text(_merged(text, written) + (f"[combosparams]\ncombos_params = {grid}\n" if grid else ""))
        return read_plan(path, overrides)

    axes = [json.dumps({name: [value, other]}) for name in (RENAMED[earlier], earlier, earlier.partition(".")[2])]
    single = (read(RENAMED[earlier]), read(earlier), read(earlier, f"{earlier}={value}"))
    return single, [read(earlier, grid=axis) for axis in axes]


def _merged(text, written):
    """Two INI texts as one, the second laid into the sections of the first."""
    head, _, _ = written.partition("\n")
    return text.replace(f"{head}\n", written) if head and f"{head}\n" in text else text + written


@pytest.mark.parametrize("earlier", RENAMED)
def test_an_earlier_name_means_todays_option_and_the_console_says_so(tmp_path, earlier):
    single, gridded = plans(tmp_path, earlier)
    note = f"{earlier} is {RENAMED[earlier]} now"
    assert [note in plan.combos[0].notes for plan in single] == [False, True, True]
    moved = earlier.split(".")[1] == RENAMED[earlier].split(".")[1]
    assert [note in plan.combos[0].notes for plan in gridded] == [False, True, not moved]
    for plan in single:
        assert plan.config.settings() == single[0].config.settings()
    for plan in gridded:
        assert plan.varied == (RENAMED[earlier].partition(".")[2],)
        assert [combo.config.settings() for combo in plan.combos] == [
            combo.config.settings() for combo in gridded[0].combos
        ]


@pytest.mark.parametrize("earlier", RENAMED)
def test_an_earlier_name_is_no_option_of_today_and_its_axis_is_todays(earlier):
    key, today = tuple(earlier.split(".")), tuple(RENAMED[earlier].split("."))
    assert key not in SCHEMA.options and today in SCHEMA.options
    assert current_axis(key[1]) == today[1]


def test_both_names_of_an_option_are_refused(tmp_path):
    (tmp_path / "a.ini").write_text("[experiment]\nkind = fit\n[inference]\nlatent = 3\nhidden_size = 3\n")
    with pytest.raises(ConfigError, match=r"\[inference\] hidden_size: expected once, got it twice"):
        read_plan(tmp_path / "a.ini")


def test_an_error_says_the_name_that_was_written(tmp_path):
    (tmp_path / "a.ini").write_text("[experiment]\nkind = fit\n[inference]\nweight_decay = much\n")
    with pytest.raises(ConfigError, match=r"weight_decay \(written as inference.weight_decay\): expected a number"):
        read_plan(tmp_path / "a.ini")


def test_an_axis_of_one_name_of_an_option_is_renamed_with_its_option():
    combos = [{"combo": 0, "values": {"noise_sd.E": 1.0, "lr": 0.1}, "settings": {"dynamics.noise_sd": [["E", 1.0]]}}]
    manifest = current_manifest({"varied": ["noise_sd.E", "lr"], "combos": combos})
    assert manifest["varied"] == ["ou_noise.E", "lr"]
    assert manifest["combos"][0]["values"] == {"ou_noise.E": 1.0, "lr": 0.1}
    assert manifest["combos"][0]["settings"] == {"dynamics.ou_noise": [["E", 1.0]]}


# ---- results folders of earlier versions


def ini(folder, name, grid, network):
    path = folder / f"{name}.ini"
    path.write_text(TASK.format(results=folder / name, grid=json.dumps(grid), network=network))
    return str(path)


def run(path, *changes):
    return runrandomnet.main([path, *(part for change in changes for part in ("--set", change))])


def as_written_earlier(root):
    """Give options in the files of a results folder the names that they had in earlier versions."""
    earlier = {new: old for old, new in RENAMED.items() if not old.startswith("inference.")}
    keys = {new.split(".")[1]: old.split(".")[1] for new, old in earlier.items()}
    for path in (root / "manifest.json", *root.glob("*/iter_*/run.json")):
        record = json.loads(path.read_text())
        for part in (record, *record.get("combos", ())):
            for name, names in (("settings", earlier), ("values", keys)):
                if name in part:
                    part[name] = {names.get(key, key): value for key, value in part[name].items()}
        if "varied" in record:
            record["varied"] = [keys.get(axis, axis) for axis in record["varied"]]
        path.write_text(json.dumps(record))
    for path in (root / "combos.csv", root / "summary.csv", *root.glob("*/iter_*/history.csv")):
        pd.read_csv(path).rename(columns=keys).to_csv(path, index=False)


def checksums(root):
    paths = [*root.glob("*/iter_0/arrays.npz"), *root.glob("*/iter_0/model.pt")]
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two results folders of earlier versions: `cells`, gridded by `states`, and `noises`, gridded by `noise`."""
    folder = tmp_path_factory.mktemp("earlier")
    assert run(ini(folder, "cells", {"model.hidden_size": [3, 4]}, CELLS), "model.architecture=gru") == 0
    assert run(ini(folder, "noises", {"state_noise": [0.0, 0.1]}, NETWORK)) == 0
    for name in ("cells", "noises"):
        as_written_earlier(folder / name)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "axis", "values"), [("cells", "hidden_size", [3, 4]), ("noises", "state_noise", [0.0, 0.1])]
)
def test_a_gridded_folder_of_an_earlier_version_is_read_with_todays_names(folder, name, axis, values):
    loaded = results.load(folder / name)
    earlier = {"hidden_size": "states", "state_noise": "noise"}[axis]
    assert loaded.varied == (axis,) and sorted(set(loaded.table[axis])) == values
    assert sorted(set(loaded.history[axis])) == values and earlier not in {*loaded.table, *loaded.history}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "axis", "change"),
    [("cells", "model.states", "model.architecture=gru"), ("noises", "trainvalidate.noise", "experiment.name=again")],
)
def test_it_goes_on_from_an_ini_of_either_name(folder, tmp_path, name, axis, change):
    before = checksums(folder / name)
    text = (folder / f"{name}.ini").read_text()
    ended = len(before) // 2
    for iterations, written in ((2, text), (3, text.replace(RENAMED[axis], axis).replace('"state_noise"', '"noise"'))):
        path = tmp_path / f"{iterations}.ini"
        path.write_text(written)
        assert run(str(path), change, f"trainvalidate.iterations={iterations}") == 0
        table = results.load(folder / name).table
        assert len(table) == iterations * ended and (table["status"] == "complete").all()
        assert checksums(folder / name) == before


@pytest.mark.slow
def test_its_networks_are_found_by_their_values_and_drawn_beside_new_ones(folder, tmp_path, capsys):
    grid = {"state_noise": [0.1, 0.0]}
    assert run(ini(tmp_path, "next", grid, NETWORK), f"paths.pretrained={folder / 'noises'}") == 0
    manifest = json.loads((tmp_path / "next" / "manifest.json").read_text())
    upstream = {entry["values"]["state_noise"]: entry["connectome"]["upstream"][0] for entry in manifest["combos"]}
    assert {value: record["values"] for value, record in upstream.items()} == {
        value: {"state_noise": value} for value in (0.0, 0.1)
    }
    combos = [combo for place, root in enumerate((folder / "noises", tmp_path / "next"))
              for combo in matching.read_combos(root, root.name, place)]  # fmt: skip
    study = matching.match(combos, ["train_loss"], ["noises", "next"])
    assert study.shared == ("state_noise",) and [len(match.combos) for match in study.groups] == [2, 2]
    folders, figures = [str(folder / "noises"), str(tmp_path / "next")], tmp_path / "figures"
    names = ["--results_folders", *folders, "--save_figs", str(figures)]
    assert visualization.main([*names, "--filter", "noise=0.1"]) == 0
    assert list(figures.rglob("*state_noise=0.1*"))


@pytest.mark.slow
def test_a_setting_that_no_run_reads_any_more_does_not_stop_a_resume(tmp_path, capsys):
    path = ini(tmp_path, "out", {"lr": [0.01, 0.02]}, NETWORK)
    assert run(path) == 0
    manifest = tmp_path / "out" / "manifest.json"
    record = json.loads(manifest.read_text())
    for combo in record["combos"]:
        combo["settings"] |= {"analysis.settle": 10.0}
    manifest.write_text(json.dumps(record))
    assert run(path) == 0, "a setting that only the manifest has"
    manifest.write_text(json.dumps(record))
    assert run(path, "model.dt=0.5") == 2, "another setting differs"
    assert "analysis.settle was 10.0, is 'not read'" in capsys.readouterr().err


def test_a_misspelt_earlier_name_is_told_with_the_present_one(tmp_path):
    path = tmp_path / "experiment.ini"
    path.write_text("[experiment]\nkind = fit\n[inference]\nlatnt = 3\n")
    with pytest.raises(ConfigError, match=r"did you mean 'latent', which is inference\.hidden_size now"):
        read_plan(path)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("noise", ["trainvalidate.state_noise"]),
        ("trainvalidate.noise", ["trainvalidate.state_noise"]),
        ("states", ["model.hidden_size"]),
        ("noise_sd.E", ["dynamics.ou_noise"]),
        ("ou_noise.E", ["dynamics.ou_noise"]),
        ("populations.couplings.EE", ["populations.couplings"]),
        ("lr", ["trainvalidate.lr"]),
    ],
)
def test_help_explains_columns_of_gridded_options_also_under_earlier_names(name, options, capsys):
    assert runrandomnet.main(["--help-columns", name]) == 0
    told = re.findall(r"option of \[(\w+)\]\n  (\w+): ", capsys.readouterr().out)
    assert [".".join(one) for one in told] == options
