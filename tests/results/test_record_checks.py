"""Damaged and edited records of a results folder: one line that names the file, the entry and its value."""

import json

import pytest

from randomnet.results import COMPLETE, MISSING, ResultsError, ResultsFolder, load

COMBO = {"combo": 0, "values": {"lr": 0.1}, "settings": {"trainvalidate.lr": 0.1}, "connectome": {"sha256": "a"}}
MANIFEST = {"format": 1, "name": "t", "kind": "train", "seed": 1, "iterations": 2, "varied": ["lr"], "combos": [COMBO]}


def folder_of(root, manifest=MANIFEST, run=None):
    (root / "0" / "iter_0").mkdir(parents=True)
    (root / "manifest.json").write_text(manifest if isinstance(manifest, str) else json.dumps(manifest))
    if run is not None:
        (root / "0" / "iter_0" / "run.json").write_text(json.dumps(run))
    return ResultsFolder(root)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"iterations": 10**12}, "iterations: expected a whole number from 0 to 10000000, got 1000000000000"),
        ({"iterations": True}, "iterations: expected a whole number"),
        ({"iterations": 10**7, "combos": [COMBO, COMBO | {"combo": 1}]}, "at most 10000000 runs in all"),
        ({"combos": {}}, "combos: expected a list, got {}"),
        ({"combos": [1.5]}, r"combos\[0\]: expected a mapping, got 1.5"),
        ({"combos": [COMBO, COMBO]}, "expected each combo once, got combo 0 2 times"),
        ({"combos": [COMBO | {"combo": -1}]}, r"combos\[0\].combo: expected a whole number"),
        ({"combos": [{"combo": 0, "values": {}}]}, r"combos\[0\]: expected an entry settings, got none"),
        ({"combos": [COMBO | {"settings": []}]}, r"combos\[0\].settings: expected a mapping, got \[\]"),
        ({"combos": [COMBO | {"values": {"lr": [1, 2]}}]}, r"combos\[0\].values.lr: expected a number, .*\[1, 2\]"),
        ({"combos": [COMBO | {"connectome": 3}]}, r"combos\[0\].connectome: expected a mapping, got 3"),
        ({"combos": [COMBO | {"connectome": {"upstream": [{}]}}]}, r"upstream\[0\]: expected an entry run, got none"),
        ({"varied": ["\x1b[31m", 3]}, r"varied\[1\]: expected a text, got 3"),
        ({"name": ["\x1b" * 500]}, r"name: expected a text, got \[[^\x1b]{,60}\.\.\."),
    ],
)
def test_a_manifest_that_is_not_one(tmp_path, change, said):
    folder = folder_of(tmp_path, MANIFEST | change)
    for read in (lambda: folder.manifest, lambda: load(tmp_path)):
        with pytest.raises(ResultsError, match=said) as error:
            read()
        assert str(error.value).startswith(str(tmp_path / "manifest.json"))
        assert len(str(error.value).splitlines()) == 1


def test_values_that_a_table_can_show_are_taken(tmp_path):
    values = {"a": 1, "b": 0.5, "c": "x", "d": None, "e": True, "f": {"E": 1}}
    manifest = MANIFEST | {"varied": list(values), "combos": [COMBO | {"values": values}]}
    assert load(folder_of(tmp_path, manifest).root).table["f"].tolist() == [{"E": 1}] * 2


def test_lists_within_lists_without_end(tmp_path):
    with pytest.raises(ResultsError, match="lists within lists"):
        _ = folder_of(tmp_path, "[" * 100_000).manifest


@pytest.mark.parametrize(
    "change",
    [{"status": 5}, {"status": "done"}, {"summary": []}, {"settings": 3}, {"combo": {}}],
)
def test_a_damaged_record_of_a_run_counts_as_none(tmp_path, change):
    run = {"combo": 0, "iteration": 0, "status": COMPLETE, "summary": {"loss": 0.5}, "settings": {}}
    assert load(folder_of(tmp_path / "whole", run=run).root).table["status"].tolist() == [COMPLETE, MISSING]
    assert load(folder_of(tmp_path / "damaged", run=run | change).root).table["status"].tolist() == [MISSING, MISSING]


def test_a_run_keeps_its_status_where_one_entry_is_no_single_value(tmp_path):
    run = {"status": COMPLETE, "reason": None, "summary": {"loss": 0.5, "parts": [1, 2]}, "connectome": None}
    table = load(folder_of(tmp_path, run=run).root).table
    assert table["status"].tolist() == [COMPLETE, MISSING]
    assert "parts" not in table and table["loss"][0] == 0.5


def test_facts_that_are_not_known_are_null(tmp_path):
    unknown = dict.fromkeys(("name", "sha256", "normalization", "inputs", "transmitters"))
    manifest = MANIFEST | {"combos": [COMBO | {"connectome": unknown}]}
    assert folder_of(tmp_path, manifest, {"status": COMPLETE, "connectome": unknown}).manifest == manifest


def test_what_other_versions_wrote_besides_stays(tmp_path):
    manifest = MANIFEST | {"later": {"a": [1]}, "combos": [COMBO | {"later": 1}]}
    assert folder_of(tmp_path, manifest).manifest == manifest


def test_a_run_may_have_no_reason(tmp_path):
    run = {"combo": 0, "iteration": 0, "status": COMPLETE, "reason": None, "summary": {"loss": 0.5}, "settings": {}}
    assert folder_of(tmp_path, run=run).run(0, 0).status == COMPLETE
