"""Runs of a results folder compute steps in one way, whatever the INI says later."""

import pytest

from randomnet import compiled
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
    with pytest.raises(ConfigError, match="expected numba and scipy that compile, for compiled steps, got none"):
        prepared(tmp_path, "compiled")
    assert prepared(tmp_path, "auto").notes == (
        "numba is not installed or cannot compile, so steps are computed by torch, which takes longer",
    )
