"""Runs of a results folder compute steps in one way, whatever the INI says later."""

import pytest

from randomnet import compiled, experiment, results
from randomnet.experiment.planning import prepare
from randomnet.schema.plan import read_plan
from randomnet.settings import ConfigError

FACTS = [{"sha256": "0", "files": []}]


def prepared(tmp_path, steps, old=None):
    path = tmp_path / "config.ini"
    path.write_text(f"[experiment]\nkind = spectrum\n[execution]\nsteps = {steps}\n", encoding="utf-8")
    return prepare(read_plan(path), FACTS, old)


def test_a_folder_keeps_its_first_choice(tmp_path):
    first = prepared(tmp_path, "eager").manifest
    assert first["steps"] == "eager"
    later = prepared(tmp_path, "auto", first)
    assert later.manifest["steps"] == later.combos[0].config.execution.steps == "eager"
    assert not later.notes
    (note,) = prepared(tmp_path, "compiled", first).notes
    assert note == "the runs in the folder have eager steps, so execution.steps = compiled is not used"


def test_a_folder_of_an_earlier_version_has_eager_steps(tmp_path, monkeypatch):
    monkeypatch.setattr(compiled, "_preferred", compiled.COMPILED)
    first = prepared(tmp_path, "auto").manifest
    del first["steps"]
    assert prepared(tmp_path, "auto", first).manifest["steps"] == "eager"


def test_a_folder_keeps_how_it_computes_trials(tmp_path):
    first = prepared(tmp_path, "compiled")
    assert first.manifest["trials"] == "compiled"
    assert first.combos[0].config.execution.steps == "compiled"
    later = prepared(tmp_path, "auto", first.manifest)
    assert later.manifest["trials"] == later.combos[0].config.execution.steps == "compiled"


def test_trials_are_eager_in_a_folder_of_a_version_that_compiled_steps_of_bundles_only(tmp_path):
    old = prepared(tmp_path, "compiled").manifest
    del old["trials"]
    later = prepared(tmp_path, "auto", old)
    assert (later.manifest["steps"], later.manifest["trials"]) == ("compiled", "eager")
    try:
        assert compiled.select(later.combos[0].config.execution.steps) == "compiled"
        assert not compiled.trials_selected()
    finally:
        compiled.select("auto")


def test_compiled_steps_of_a_folder_need_numba(tmp_path, monkeypatch):
    monkeypatch.setattr(compiled, "is_available", lambda: False)
    with pytest.raises(ConfigError, match=r"^\[execution\] steps: expected numba and scipy that compile, for compiled"):
        prepared(tmp_path, "compiled")
    assert prepared(tmp_path, "auto").notes == (
        "numba is not installed or cannot compile, so steps are computed by torch, which takes longer",
    )


@pytest.mark.parametrize(("old", "option"), [(None, "[execution] steps"), ("compiled", "[paths] path_to_results")])
def test_the_error_names_the_option_that_asks_for_numba(tmp_path, monkeypatch, old, option):
    path = tmp_path / "config.ini"
    paths = f"[paths]\npath_to_results = {tmp_path / 'out'}\n"
    path.write_text(f"[experiment]\nkind = spectrum\n{paths}[execution]\nsteps = compiled\n", encoding="utf-8")
    plan = read_plan(path)
    if old:
        manifest = prepare(plan, FACTS, None).manifest
        results.ResultsFolder(tmp_path / "out").write_plan(manifest | {"steps": old}, plan.text)
    monkeypatch.setattr(compiled, "is_available", lambda: False)
    with pytest.raises(ConfigError) as error:
        experiment.check_results(plan, FACTS)
    assert str(error.value).startswith(f"{path}: {option}: expected ")
