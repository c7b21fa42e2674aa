"""docs/extending.md as a package: each of its additions is found in the INI, the help, runs, figures and pages."""

import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from tests.support.paths import ROOT

PAGE = ROOT / "docs" / "extending.md"
NULL = "[net]\nnull = reversed_weights\n"


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    """A folder with the page's modules and the metadata of an installed package."""
    folder = tmp_path_factory.mktemp("plugin")
    blocks = re.findall(r"```(python|toml)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    python = [text for language, text in blocks if language == "python"]
    runs = [text for text in python if text.startswith("# my_norms.py")]
    (folder / "my_norms.py").write_text("\n".join(runs))
    (folder / "my_plugin.py").write_text("\n".join(text for text in python if text not in runs))
    info = folder / "my_plugin-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-plugin\nVersion: 1\n")
    entries = [re.sub(r"project\.entry-points\.|\"", "", text) for language, text in blocks if language == "toml"]
    (info / "entry_points.txt").write_text("\n".join(entries))
    return folder


def command(plugin, folder, *arguments, code=0, **variables):
    """Run a script with the plugin installed; its output."""
    environment = os.environ | {"PYTHONPATH": str(plugin), "OMP_NUM_THREADS": "1"} | variables
    ended = subprocess.run(
        [sys.executable, ROOT / arguments[0], *map(str, arguments[1:])],
        cwd=folder, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert ended.returncode == code, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        ("import no_such_package", "ModuleNotFoundError: No module named 'no_such_package'"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("from randomnet.tasks import TASKS; TASKS['mine'] = 3", "expected a row of class Task as 'mine', got int"),
    ],
)
def test_a_plugin_that_does_not_load_is_named_in_one_line(module, reason, tmp_path):
    (tmp_path / "broken.py").write_text(module)
    info = tmp_path / "broken-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[randomnet.plugins]\nmine = broken\n")
    told = command(tmp_path, tmp_path, "runrandomnet.py", "--help-config", code=2).strip()
    assert told.startswith("error: plugin mine (broken): expected it to load, got ") and reason in told
    assert len(told.splitlines()) == 1


def experiment(folder, name, text):
    path = folder / f"{name}.ini"
    path.write_text(f"[paths]\npath_to_results = {name}\n[execution]\nworkers = 1\n{text}")
    return path


def test_the_help_explains_what_a_plugin_adds(plugin, tmp_path):
    text = command(plugin, tmp_path, "runrandomnet.py", "--help-config", "all")
    options = ["echo_delay", "trialparams.task_name = echo", "arctan", "reversed_weights", "grid", "[norms]"]
    options.append("free_steps")
    assert not [word for word in options if word not in text]
    assert "Euclidean norm of the state" in command(plugin, tmp_path, "runrandomnet.py", "--help-columns", "final_norm")


@pytest.mark.slow
def test_a_task_and_an_activation_of_a_plugin_are_trained_and_drawn(plugin, tmp_path):
    text = "[net]\nroi = random\nn = 12\n[model]\nactivation = arctan\n[trialparams]\ntask_name = echo\n"
    text += "nr_of_trials = 20\necho_delay = 2\n[trainvalidate]\nepochs = 2\n"
    command(plugin, tmp_path, "runrandomnet.py", experiment(tmp_path, "task", text))
    assert pd.read_csv(tmp_path / "task" / "summary.csv")["status"].tolist() == ["complete"]
    drawn = command(plugin, tmp_path, "visualization.py", "--results_folders", "task", "--save_figs", "figs")
    assert "loss" in drawn and list((tmp_path / "figs").rglob("loss*.png"))


@pytest.mark.slow
def test_a_loss_of_a_plugin_is_trained_and_drawn(plugin, tmp_path):
    text = "[net]\nroi = random\nn = 12\n[lyapunov]\ntsim = 4\ntarget = 0.1\n[trainvalidate]\nloss = l1\nepochs = 3\n"
    command(plugin, tmp_path, "runrandomnet.py", experiment(tmp_path, "loss", text))
    table = pd.read_csv(tmp_path / "loss" / "summary.csv")
    assert table["status"].tolist() == ["complete"] and table["loss_final"][0] < table["loss_initial"][0]
    command(plugin, tmp_path, "visualization.py", "--results_folders", "loss", "--save_figs", "figs")
    assert list((tmp_path / "figs").rglob("loss*.png"))


def test_a_format_and_a_null_of_a_plugin_make_a_network_of_a_kind_of_its_own(plugin, tmp_path):
    matrix = np.random.default_rng(1).normal(size=(8, 8)).round(3)
    (tmp_path / "mine.txt").write_text("\n".join(["grid", *(" ".join(map(str, row)) for row in matrix)]))
    text = "[experiment]\nkind = norms\n[paths]\npath_to_network = mine.txt\n[net]\nsource = grid\n"
    text += '[norms]\nfree_steps = 20\n[combosparams]\ncombos_params = {"null": ["none", "reversed_weights"]}\n'
    path = tmp_path / "norms.ini"
    path.write_text(text.replace("mine.txt\n", "mine.txt\npath_to_results = norms\n"))
    output = command(plugin, tmp_path, "runrandomnet.py", path)
    table = pd.read_csv(tmp_path / "norms" / "summary.csv")
    assert set(table["status"]) == {"complete"} and table["final_norm"].nunique() == 2 and "final_norm" in output
    command(plugin, tmp_path, "visualization.py", "--results_folders", "norms", "--save_figs", "figs")
    assert list((tmp_path / "figs").rglob("final_norm*.png"))
    assert "final_norm" in (tmp_path / "figs" / "tests.csv").read_text()


def test_a_file_adds_its_rows_without_installation(plugin, tmp_path):
    """RANDOMNET_PLUGINS names the file; a folder away from it, and in the process of a worker."""
    (tmp_path / "mine").mkdir()
    shutil.copy(plugin / "my_plugin.py", tmp_path / "mine" / "echo_task.py")
    page = (ROOT / "docs" / "howto" / "tasks.md").read_text(encoding="utf-8")
    (ini,) = re.findall(r"^```\n(\[paths\]\n[^`]*task_name = echo.*?)```", page, re.DOTALL | re.MULTILINE)
    (tmp_path / "echo.ini").write_text(ini)
    sets = ("execution.workers=2", "trainvalidate.epochs=1", "trainvalidate.iterations=2", "net.n=5")
    arguments = ("runrandomnet.py", "echo.ini", *(part for text in sets for part in ("--set", text)))
    command("", tmp_path, *arguments, RANDOMNET_PLUGINS=os.path.join("mine", "echo_task.py"))
    assert set(pd.read_csv(tmp_path / "results" / "echo" / "summary.csv")["status"]) == {"complete"}
    error = command("", tmp_path, *arguments, code=2, RANDOMNET_PLUGINS="echo_tsk.py")
    assert error.strip() == "error: RANDOMNET_PLUGINS: expected paths of Python files (.py), got 'echo_tsk.py'"


@pytest.mark.slow
def test_a_figure_of_a_plugin_joins_those_of_a_kind(plugin, tmp_path):
    text = "[experiment]\nkind = spectrum\n[net]\nroi = random\nn = 10\n[lyapunov]\ntsim = 20\n"
    command(plugin, tmp_path, "runrandomnet.py", experiment(tmp_path, "spectrum", text))
    command(plugin, tmp_path, "visualization.py", "--results_folders", "spectrum", "--save_figs", "figs")
    assert list((tmp_path / "figs").rglob("leading_exponent*.png"))


def test_a_wrong_value_of_a_plugin_s_option_is_one_line(plugin, tmp_path):
    text = "[experiment]\nkind = norms\n[norms]\nfree_steps = few\n"
    error = command(plugin, tmp_path, "runrandomnet.py", experiment(tmp_path, "wrong", text), code=2)
    assert "[norms] free_steps: expected a whole number from 1 to 100000, got 'few'" in error
    assert not (tmp_path / "wrong").exists()


def test_pages_made_from_rows_have_those_of_a_plugin(plugin, tmp_path):
    code = "import randomnet.schema; from randomnet.results.columns import page; assert 'final_norm' in page()"
    environment = os.environ | {"PYTHONPATH": f"{plugin}{os.pathsep}{ROOT}"}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)


def test_a_plugin_that_cannot_be_loaded_is_named(plugin, tmp_path):
    broken = tmp_path / "broken"
    (broken / "broken-1.dist-info").mkdir(parents=True)
    (broken / "broken-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1\n")
    (broken / "broken-1.dist-info" / "entry_points.txt").write_text("[randomnet.plugins]\nbroken = not_there\n")
    error = command(broken, tmp_path, "runrandomnet.py", "--help-config", code=2)
    assert "plugin broken (not_there): expected it to load, got ModuleNotFoundError" in error
    assert len(error.strip().splitlines()) == 1
