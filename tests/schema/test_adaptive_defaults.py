"""Defaults that follow another option: one changed option never clashes with a default that nobody wrote."""

import json

import pytest

import runrandomnet
from randomnet.schema.plan import read_plan
from randomnet.settings import ConfigError


def read(tmp_path, kind, *changes, task=None):
    path = tmp_path / "config.ini"
    named = f"[trialparams]\ntask_name = {task}\n" if task else ""
    path.write_text(f"[experiment]\nkind = {kind}\n{named}")
    return read_plan(path, list(changes))


def value(plan, name):
    section, _, key = name.partition(".")
    return getattr(getattr(plan.config, section), key)


@pytest.mark.parametrize(
    "kind", ["train", "spectrum", "convergence", "transition", "benchmark", "simulate", "stimulate"]
)
@pytest.mark.parametrize("dt", [0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.125, 0.2, 0.25, 0.3, 3 * 0.1, 0.4, 0.5, 0.6, 1.0])
def test_a_step_alone_is_accepted_by_every_kind(tmp_path, kind, dt):
    """Times between steps are whole steps, as near to their defaults as whole steps can be."""
    plan = read(tmp_path, kind, f"model.dt={dt!r}")
    times = {"simulate": {"simulation.window": 0.1, "analysis.settle": 10}, "stimulate": {}}.get(
        kind, {"lyapunov.tons": 0.2})  # fmt: skip
    for name, usual in times.items():
        chosen = value(plan, name)
        assert chosen / dt == pytest.approx(round(chosen / dt)) and round(chosen / dt) >= 1
        assert chosen == dt or abs(chosen - usual) <= dt / 2 * (1 + 1e-9)
        assert (chosen != usual) == any(note.startswith(f"{name} = ") for note in plan.combos[0].notes)
    if kind == "simulate":
        windows = plan.config.analysis.duration / plan.config.simulation.window
        assert windows == pytest.approx(round(windows)) and plan.config.analysis.duration == pytest.approx(50, rel=0.02)


@pytest.mark.parametrize(
    ("kind", "task", "change", "adapted"),
    [
        ("spectrum", None, "lyapunov.tsim=0.1", {"lyapunov.tons": 0.1}),
        ("spectrum", "flip_flop", "lyapunov.tsim=2", {}),
        ("spectrum", "reach", "lyapunov.nle=3", {"lyapunov.driven": False}),
        ("convergence", "flip_flop", "lyapunov.nle=3", {"lyapunov.driven": False}),
        ("train", "nback_mem", "trialparams.trial_length=2", {"trialparams.n_back": 1}),
        ("train", "nback_mem", "trialparams.n_back=7", {"trialparams.trial_length": 8}),
        ("simulate", None, "simulation.window=0.3", {"analysis.duration": 50.1}),
        ("simulate", None, "simulation.window=100", {"analysis.duration": 100}),
        ("simulate", None, "simulation.initial=plane", {"analysis.settle": 0}),
        ("stimulate", None, "stimulation.onset=15", {}),
        ("stimulate", None, "stimulation.onset=30", {"stimulation.offset": 50}),
        ("stimulate", None, "stimulation.onset=60", {"stimulation.offset": 120, "analysis.duration": 300}),
        ("stimulate", None, "stimulation.offset=5", {"stimulation.onset": 2.5}),
        ("stimulate", None, "stimulation.offset=80", {"analysis.duration": 200}),
        ("stimulate", None, "analysis.duration=20", {}),
        ("stimulate", None, "analysis.duration=15", {"stimulation.offset": 15}),
        ("stimulate", None, "analysis.duration=5", {"stimulation.onset": 1, "stimulation.offset": 2}),
    ],
)
def test_defaults_follow_one_changed_option(tmp_path, kind, task, change, adapted):
    """Only those that would clash, and each is named with its usual value."""
    plan = read(tmp_path, kind, change, task=task)
    notes = plan.combos[0].notes
    for name, expected in adapted.items():
        assert value(plan, name) == pytest.approx(expected)
    assert sorted(note.partition(" = ")[0] for note in notes) == sorted(adapted)
    assert all("its default is" in note for note in notes)
    if kind == "stimulate":
        done = plan.config.stimulation
        assert 0 <= done.onset < done.offset <= plan.config.analysis.duration


def test_what_the_user_wrote_is_never_adapted(tmp_path):
    for changes, text in [
        (["model.dt=1", "lyapunov.tons=0.2"], r"tons: expected at least one step \(model.dt = 1\)"),
        (["model.dt=0.3", "lyapunov.tons=0.5"], "tons: expected a multiple of the step"),
        (["lyapunov.tsim=0.1", "lyapunov.tons=0.2"], "tsim: expected at least one interval"),
    ]:
        with pytest.raises(ConfigError, match=text):
            read(tmp_path, "spectrum", *changes)
    with pytest.raises(ConfigError, match="n_back: expected less than trial_length = 4, got '4'"):
        read(tmp_path, "train", "trialparams.n_back=4", "trialparams.trial_length=4", task="nback_mem")
    with pytest.raises(ConfigError, match="driven: expected False"):
        read(tmp_path, "spectrum", "lyapunov.driven=True", task="reach")
    assert read(tmp_path, "spectrum", "model.dt=0.1").combos[0].notes == ()


def test_an_axis_of_steps_has_its_own_times_and_the_console_says_which(tmp_path, capsys):
    out = tmp_path / "out"
    path = tmp_path / "config.ini"
    path.write_text(f"[experiment]\nkind = spectrum\n[paths]\npath_to_results = {out}\n[net]\nroi = random\nn = 8\n"
                    "[lyapunov]\ntsim = 4\ntransient = 1\nframe_transient = 1\n[trainvalidate]\niterations = 1\n"
                    '[execution]\nworkers = 1\n[combosparams]\ncombos_params = {"dt": [0.1, 0.5, 1]}\n')  # fmt: skip
    assert runrandomnet.main([str(path)]) == 0
    told = capsys.readouterr().out
    assert "Note: lyapunov.tons = 0.5 (whole steps of model.dt = 0.5; its default is 0.2)" in told
    assert told.count("Note: lyapunov.tons") == 2
    combos = json.loads((out / "manifest.json").read_text())["combos"]
    assert [combo["settings"]["lyapunov.tons"] for combo in combos] == [0.2, 0.5, 1]
