"""The sentence on a stimulation during a task, against numbers by hand."""

from types import SimpleNamespace

import pandas as pd

from randomnet.comparison import stimulation

PLACES = {"accuracy_change_of_A_sample": [-10.0, -20.0, -30.0], "accuracy_change_of_B_delay 2": [-5.0, 5.0, 0.0]}


def sentences(monkeypatch, **columns):
    runs = pd.DataFrame({"status": "complete", "accuracy_control": [80.0, 90.0, 100.0], **columns})
    monkeypatch.setattr(stimulation, "runs_of_combos", lambda table, combos: table)
    return stimulation.stimulation_sentences(SimpleNamespace(runs=runs, combos=[SimpleNamespace(values={})]))


def test_the_largest_mean_fall_has_its_error_over_networks(monkeypatch):
    stderr = {f"{name}_stderr": [1.0] * 3 for name in PLACES}
    assert sentences(monkeypatch, **PLACES, **stderr) == [
        "Accuracy falls most for A, sample: by 20 ± 5.8 points (standard error over 3 networks) from 90 % without "
        "stimulation; pairs of site and window: 2."  # 10 / sqrt(3)
    ]


def test_accuracies_that_fall_nowhere_are_said_to(monkeypatch):
    assert sentences(monkeypatch, accuracy_change_of_A_sample=[0.0, 1.0, 2.0]) == [
        "Accuracy falls nowhere from 90 % without stimulation; pairs of site and window: 1."
    ]


def test_a_stimulation_without_a_task_has_no_sentence():
    assert stimulation.stimulation_sentences(SimpleNamespace(runs=pd.DataFrame({"targets_change": [1.0]}))) == []
