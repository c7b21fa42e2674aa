"""The visualiser on made-up results folders of the real layout: what it draws, writes, says and refuses."""

import itertools
import json
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import runrandomnet
import visualization
from randomnet import plotting
from randomnet.command_line import figures as figures_command
from randomnet.command_line.program import label_of
from randomnet.comparison import combo_texts, matching, study_notes
from randomnet.figures import FIGURES, training
from randomnet.figures.null_training import null_curves, null_spectra
from randomnet.figures.runs import combo_series
from randomnet.plotting import Panel, Series, style
from randomnet.plotting.run_averages import averages_text
from randomnet.plotting.spectra import _mean_spectrum
from randomnet.results import ResultsFolder, RunFolder, load, write_arrays, write_csv
from randomnet.schema.config import SCHEMA

ROOT = Path(visualization.__file__).parent
N = 60


def spectrum(generator, top, n=N):
    return top - 3 * np.linspace(0, 1, n) ** 1.5 + generator.normal(0, 0.02, n)


def write_run(run: RunFolder, combo, iteration, status="complete", level=1.0, epochs=12, n=N, nle=6, groups=5, lr=0.1):
    """One run: an exponential decay of the loss towards `level`, written as training writes it."""
    generator = np.random.default_rng([combo, iteration, int(100 * level)])
    run.create()
    epoch = np.arange(epochs)
    scale = np.exp(generator.normal(0, 0.25))
    loss = scale * (level * np.exp(-3 * lr / 0.1 * epoch / max(1, epochs - 1)) + 0.01 * level)
    lam = np.sqrt(loss) + generator.normal(0, 0.02, epochs)
    if status == "diverged":
        loss[-1], lam[-1] = np.nan, np.nan
        loss[-2:-1] *= 1e6
    columns = {"epoch": epoch, "train_loss": loss, "lambda_max": lam, "grad_norm_gains": 1.0, "seconds": 0.1}
    write_csv(run.path / "history.csv", pd.DataFrame(columns))
    if status in ("missing", "failed"):
        if status == "failed":
            run.fail({"combo": combo, "iteration": iteration, "seed": iteration}, "Traceback\n")
        return
    before, after = spectrum(generator, 0.8, n), spectrum(generator, 0.3 * level, n)
    after[:nle] = after[:nle] * 0.3
    write_arrays(run.path / "arrays.npz", {
        "spectrum_initial": before, "spectrum_initial_stderr": np.full(n, 0.03),
        "spectrum_final": after, "spectrum_final_stderr": np.full(n, 0.03), "target": np.zeros(nle),
        "gains_initial": np.ones(groups), "gains_final": 1 - 0.2 * level + generator.normal(0, 0.2, groups),
        "shifts_initial": np.zeros(groups), "shifts_final": generator.normal(0.1 * level, 0.3, groups),
        "groups": np.array([f"group {i}" for i in range(groups)]),
        "weights_initial": np.ones(9), "weights_final": np.ones(9), "state_initial": np.zeros(n),
    })  # fmt: skip
    summary = {
        "loss_initial": loss[0], "loss_final": loss[-1] if epochs else None, "loss_best": np.nanmin(loss),
        "epoch_best": epochs - 1, "epochs": epochs - 1, "lambda_max_initial": before[0], "lambda_max_final": after[0],
        "lambda_max_initial_stderr": 0.03, "lambda_max_final_stderr": 0.03, "n_positive_initial": 12,
        "n_positive_final": 3, "D_KY_initial": 30.1, "D_KY_final": 10.5, "h_KS_initial": 4.2, "h_KS_final": 0.3,
        "seconds": 1.5,
    }  # fmt: skip
    run.finish({"combo": combo, "iteration": iteration, "seed": iteration, "status": status, "summary": summary})


def make(root: Path, grid=None, iterations=2, level=1.0, status=None, name="EB", synthetic=True, seed=1,
         settings=None, write=True, **shape) -> Path:  # fmt: skip
    """A results folder of a grid {option: values}; `status` maps (combo, iteration) to what is not complete."""
    grid = grid or {}
    combos = [
        {
            "combo": number, "values": dict(zip(grid, values, strict=True)),
            "settings": {"net.roi": name, "trainvalidate.loss": "mse", "trainvalidate.lr": 0.1, "lyapunov.nle": "10%",
                         **(settings or {})},
            "connectome": {"name": name, "synthetic": synthetic, "neurons": N},
        }
        for number, values in enumerate(itertools.product(*grid.values()))
    ]  # fmt: skip
    folder = ResultsFolder(root)
    manifest = {"format": 1, "kind": "train", "name": root.name, "seed": seed, "iterations": iterations,
                "varied": list(grid), "combos": combos}  # fmt: skip
    folder.write_plan(manifest, "[results]\n")
    for combo, iteration in itertools.product(combos, range(iterations)):
        how = (status or {}).get((combo["combo"], iteration), "complete")
        if write and how != "absent":
            lr = float(combo["values"].get("lr", 0.1))
            write_run(folder.run(combo["combo"], iteration), combo["combo"], iteration, how, level, lr=lr, **shape)
    return root


@pytest.fixture(autouse=True)
def quick(monkeypatch, request):
    """Coarse pictures: what is tested is what is drawn, not how finely. A warning of numpy or pandas is an error."""
    monkeypatch.setitem(style.STYLE, "savefig.dpi", 40)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def run(*arguments) -> int:
    return visualization.main([str(argument) for argument in arguments])


def refused(capsys, *arguments) -> str:
    """The one line on stderr of a command that is refused with exit code 2."""
    assert run(*arguments) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and error.startswith("visualization.py: error: "), error
    return error


def names(folder: Path) -> set[str]:
    """The files of a folder of figures beside the report, those of single combos with their folder."""
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return files - {"report.html"}


def by_combo(*files: str) -> set[str]:
    return {f"by_combo/{file}" for file in files}


def compare(tmp_path, *folders, more=()) -> tuple[int, Path]:
    out = tmp_path / "figs" / "new"
    return run("--results_folders", *folders, "--save_figs", out, *more), out


def test_two_folders_give_all_figures_and_the_table(tmp_path, capsys):
    grid = {"lr": [0.1], "nle": ["5%", "10%"]}
    one = make(tmp_path / "one", grid, iterations=3, status={(1, 0): "missing", (1, 2): "diverged"})
    two = make(tmp_path / "two", grid, iterations=3, level=2.0, status={(0, 2): "failed"})
    code, out = compare(tmp_path, one, two, more=["--results_labels", "bio", "rand", "--filter", "nle=5%", "nle=10%"])
    said = capsys.readouterr().out
    assert code == 0
    per_combo = {f"{what}_lr=0.1_nle={nle}pct.png" for what in ("loss", "spectra", "parameters") for nle in (5, 10)}
    overlays = {f"{what}_by_nle_{label}.png" for what in ("courses", "final_spectra", "density")
                for label in ("bio", "rand")} | {"seconds_of_epochs_by_nle.png"}  # fmt: skip
    tables = {"tests.csv", "means.csv", "gains.csv", "shifts.csv"}
    assert names(out) == by_combo(*per_combo, *overlays) | {"overview.png"} | tables
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in out.rglob("*.png"))
    assert "bio: 1 of 6 runs unfinished: combo 1 iteration 0\n" in said
    assert "bio: 1 of 6 runs diverged: combo 1 iteration 2\n" in said
    assert "rand: 1 of 6 runs failed: combo 0 iteration 2\n" in said
    assert all(str(path) in said for path in out.rglob("*") if path.is_file())
    table = pd.read_csv(out / "tests.csv")
    final = table[table["metric"] == "loss_final"].set_index("combo")
    assert list(final.index) == ["lr=0.1, nle=5%", "lr=0.1, nle=10%"]  # cells of the grid, and no pooled row
    assert list(final["n"]) == [2, 1] and list(final["diverged_a"]) == [0, 1]
    assert not {"seconds", "loss_initial"} & set(table["metric"])
    assert {"D_KY_final", "h_KS_final", "n_positive_final"} <= set(table["metric"])
    losses = [load(root).table.query("combo == 0 and iteration < 2")["loss_final"].to_numpy() for root in (one, two)]
    assert final.iloc[0]["difference_b_minus_a"] == pytest.approx((losses[1] - losses[0]).mean())
    assert final.iloc[0]["p"] == 0.5  # two pairs of the same sign: 2 of 4 patterns
    assert np.isnan(final.iloc[1]["p"]) and "at least 2 pairs" in final.iloc[1]["note"]


@pytest.mark.slow
def test_networks_that_training_leaves_unbounded_are_in_no_mean_of_exponents(tmp_path, capsys):
    one, two = make(tmp_path / "one", iterations=3), make(tmp_path / "two", iterations=3)
    for root, verdicts in ((one, ("unbounded", "converged", "converged")), (two, ("converged",) * 3)):
        for iteration, verdict in enumerate(verdicts):
            path = root / "0" / f"iter_{iteration}" / "run.json"
            record = json.loads(path.read_text())
            grown = {"lambda_max_final": 1.7, "D_KY_final": None} if verdict == "unbounded" else {}
            record["summary"] |= {"verdict_initial": "converged", "verdict_final": verdict, **grown}
            path.write_text(json.dumps(record))
    code, out = compare(tmp_path, one, two)
    said = capsys.readouterr().out
    assert code == 0
    assert "one: 1 of 3 runs end unbounded, lambda_max_final left out: combo 0 iteration 0\n" in said
    table = pd.read_csv(out / "tests.csv").set_index(["combo", "metric"])
    row = table.loc[("all runs", "lambda_max_final")]
    ends = load(one).table["lambda_max_final"].to_numpy()
    assert (row["n"], row["n_a"], row["n_b"], row["unbounded_a"], row["unbounded_b"]) == (2, 2, 3, 1, 0)
    assert row["mean_a"] == pytest.approx(ends[1:].mean()) and ends[0] == 1.7
    assert row["note"].endswith("unbounded, left out: 1 of 3 runs of a")
    assert table.loc[("all runs", "loss_final"), ["n_a", "unbounded_a"]].tolist() == [3, 0]  # these are what they are
    means = pd.read_csv(out / "means.csv").set_index(["label", "metric"])[["n", "unbounded"]]
    assert means.loc[("one", "lambda_max_initial")].tolist() == [3, 0]
    assert means.loc[("one", "lambda_max_final")].tolist() == [2, 1]
    study = figures_command.gather(figures_command.parse(["--results_folders", str(one), "--save_figs", "x"]))[0]
    figure = dict(training.array_figures(study, None))["spectra"]
    assert "unbounded, left out: 1 after training" in " ".join(figure.get_suptitle().split())
    overview = dict(FIGURES[figures_command.ON_SPECTRUM].first_figures(study, None))["overview"]
    axes = next(axes for axes in overview.axes if axes.get_ylabel().startswith("largest exponent"))
    assert axes.get_title() == "left out: 1 unbounded"
    assert sum(len(line.get_ydata()) for line in axes.lines if line.get_gid() == "run") == 2


@pytest.mark.slow
def test_one_folder_one_combo_one_iteration(tmp_path, capsys):
    root = make(tmp_path / "solo", iterations=1, groups=1)
    code, out = compare(tmp_path, root, more=["--format", "svg", "png", "--ylabel", "my $L$"])
    assert code == 0
    stems = {"overview", *by_combo("loss", "spectra", "parameters", "density")}
    tables = {"tests.csv", "means.csv", "gains.csv", "shifts.csv"}
    assert names(out) == {f"{stem}.{fmt}" for stem in stems for fmt in ("svg", "png")} | tables
    assert "my $L$" in (out / "overview.svg").read_text()
    drawing = (out / "by_combo" / "spectra.svg").read_text()
    assert "solo: EB (synthetic), 1 run" in drawing and "index / N" in drawing  # text stays text
    assert "standard error of the estimate" in drawing
    table = pd.read_csv(out / "means.csv").set_index("metric")
    assert list(table.columns) == [
        "combo", "label", "n", "mean", "sd", "stderr", "interval_low", "interval_high", "over", "planned",
        "not_converged", "too_short", "lower_bounds", "undetermined", "unbounded", "diverged"]  # fmt: skip
    assert pd.read_csv(out / "tests.csv").empty
    assert table.loc["seconds", "mean"] == 1.5 and np.isnan(table.loc["seconds", "stderr"])
    # the same again overwrites, with the same bytes
    before = {name: (out / name).read_bytes() for name in names(out)}
    assert compare(tmp_path, root, more=["--format", "svg", "--ylabel", "my $L$"])[0] == 0
    assert {name: (out / name).read_bytes() for name in names(out)} == before


def test_combos_are_matched_by_value_not_by_place(tmp_path):
    one = make(tmp_path / "one", {"lr": [0.1, 0.01]})
    two = make(tmp_path / "two", {"lr": ["0.010", "1e-1", 5]})
    asked = figures_command.parse(["--results_folders", str(one), str(two), "--save_figs", "x"])
    study, _ = figures_command.gather(asked)
    assert [(m.key, [(c.label, c.number) for c in m.combos]) for m in study.groups] == [
        ("lr=0.1", [("one", 0), ("two", 1)]), ("lr=0.01", [("one", 1), ("two", 0)]), ("lr=5", [("two", 2)]),
    ]  # fmt: skip
    assert list(study_notes.study_notes(study)) == ["one: has no combo with lr=5; figures show the other folders only"]


@pytest.mark.slow
def test_combos_that_share_the_matched_options_stay_apart(tmp_path, capsys):
    one = make(tmp_path / "one", {"lr": [0.1], "nle": ["5%", "10%"]})
    two = make(tmp_path / "two", {"lr": [0.1]}, level=2.0)
    code, out = compare(tmp_path, one, two, more=["--format", "svg"])
    said = capsys.readouterr().out
    assert code == 0 and "one: not all folders vary nle (matched by lr); up to 2 of its combos share a figure" in said
    assert "two has nle=10%" in said
    drawing = (out / "by_combo" / "loss_lr=0.1.svg").read_text()
    assert "one: EB (synthetic), nle=5%, 2 runs" in drawing and "one: EB (synthetic), nle=10%, 2 runs" in drawing
    table = pd.read_csv(out / "tests.csv").query("metric == 'loss_final'")
    assert list(zip(table["combo"], table["own_a"], table["n"], strict=True)) == [
        ("lr=0.1", "nle=5%", 2), ("lr=0.1", "nle=10%", 2)]  # fmt: skip


@pytest.mark.parametrize(
    ("filters", "left"),
    [
        (["lr=1e-2"], [1]),
        (["lr=0.1", "lr=0.01"], [0, 1]),
        (["net.roi=EB"], [0, 1, 2]),
        (["roi=EB", "lr=5"], [2]),
        (["trainvalidate.lr=0.01"], [1]),
        (["nle=10.0%"], [0, 1, 2]),
    ],
)
def test_filter(tmp_path, filters, left):
    combos = matching.read_combos(make(tmp_path / "one", {"lr": [0.1, "0.01", 5]}, write=False), "one", 0)
    assert [combo.number for combo in matching.filter_combos(combos, filters)] == left


def test_bad_input_is_one_line_and_writes_nothing(tmp_path, capsys):
    one, two = (make(tmp_path / name, {"lr": [0.1, 0.01]}, write=False) for name in ("one", "two"))
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    broken = make(tmp_path / "broken", write=False)
    (broken / "manifest.json").write_text('{"format": 1, "kind": "train", "combos": [{}]}')
    strange = make(tmp_path / "strange", write=False)
    (strange / "manifest.json").write_text((strange / "manifest.json").read_text().replace('"train"', '"dance"'))
    out = tmp_path / "out" / "figs"
    both = ["--results_folders", one, two, "--save_figs", out]
    for arguments, text in [
        (["--results_folders", one, tmp_path / "nowhere", "--save_figs", out], "nowhere: expected a results folder"),
        (["--results_folders", tmp_path / "empty", "--save_figs", out], "manifest.json, which is not there"),
        (["--results_folders", broken, "--save_figs", out], "broken/manifest.json: expected an entry"),
        (["--results_folders", strange, "--save_figs", out], "record, fit, predict, compare, got dance (strange)"),
        (["--results_folders", one, "--save_figs", tmp_path / "file"], "a folder to write to, got: File exists"),
        (["--results_folders", one, "--save_figs", "/proc/figs"], "expected a folder to write to"),
        (["--results_folders", one, one, "--save_figs", out], f"unique labels, got '{tmp_path.name}/one' 2 times"),
        ([*both, "--results_labels", "a", "a"], "expected unique labels, got 'a' 2 times"),
        ([*both, "--results_labels", "a"], "expected 2 labels, one per folder, got 1"),
        ([*both, "--results_labels", "a", " "], "expected 1 to 200 printable characters each, got ' '"),
        ([*both, "--results_labels", "a", "b\n"], "printable characters each, got 'b\\n'"),
        ([*both, "--results_labels", "\udcff", "b"], "printable characters each, got '\\udcff'"),
        ([*both, "--results_labels", "a", "b" * 201], "printable characters each, got 201 characters"),
        ([*both, "--format", "pgn"], "expected of png, svg, pdf, got 'pgn'; did you mean 'png'?"),
        ([*both, "--filter", "lrr=0.1"], "got 'lrr'; did you mean 'lr'?"),
        ([*both, "--filter", "noise=0"], ", got 'noise'"),
        ([*both, "--filter", "lr"], "expected OPTION=VALUE, got 'lr'"),
        ([*both, "--filter", "lr=7"], "--filter lr=7: no combo left (lr has 0.01, 0.1)"),
        ([*both, "--ylabel", r"$\nonsense$"], "--ylabel: expected plain text or valid $formulas$"),
        (["--results_folders", one], "the following arguments are required: --save_figs"),
        ([*both, "--what", "1"], "unrecognized arguments: --what 1"),
    ]:
        assert text in refused(capsys, *arguments)
    assert not (tmp_path / "out").exists()


def test_labels_are_the_folders_names_with_as_many_folders_above_as_tell_them_apart():
    folders = [Path("a/run"), Path("b/run"), Path("c/x/one"), Path("d/x/one"), Path("other")]
    assert figures_command.default_labels(folders) == ["a/run", "b/run", "c/x/one", "d/x/one", "other"]


@pytest.mark.skipif(sys.platform != "linux", reason="needs names of folders that are no Unicode")
def test_a_folder_whose_name_is_no_unicode_is_drawn(tmp_path):
    folder = make(tmp_path / "cafe").rename(tmp_path / "caf\udce9")
    code, out = compare(tmp_path, folder)
    assert code == 0 and "caf?" in (out / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "label"),
    [("EB and  null", "EB_and_null"), ("--save_figs x", "save_figs_x"), ("a\x1b[31m\u202eb", "a[31mb"),
     ("-", "results"), ("", "results"), ("x" * 5000, "x" * 200)],
)  # fmt: skip
def test_the_printed_label_of_an_experiment_is_one_that_is_taken(name, label):
    assert label_of(name) == label
    arguments = ["--results_folders", "a", "--save_figs", "b", "--results_labels", label_of(name)]
    assert figures_command.parse(arguments).results_labels == [label]


def test_nothing_finished_yet(tmp_path, capsys):
    fresh = make(tmp_path / "fresh", {"lr": [0.1, 0.01]}, write=False)
    started = make(tmp_path / "started", {"lr": [0.1]}, status={(0, 0): "missing", (0, 1): "missing"}, epochs=0)
    code, out = compare(tmp_path, fresh)
    assert code == 0 and names(out) == {"tests.csv", "means.csv"}
    said = capsys.readouterr().out
    assert "fresh: 4 of 4 runs unfinished: combo 0 iteration 0, combo 0 iteration 1, combo 1" in said
    assert "no figure" in said
    assert compare(tmp_path, fresh, started)[0] == 0


@pytest.mark.slow
def test_strange_curves_arrays_and_names(tmp_path, capsys):
    """One epoch, constant and NaN curves, infinite exponents, unequal N, odd labels: drawn, without a warning."""
    flat = make(tmp_path / "flat", {"roi": ["EB", "a/b%"]}, epochs=1, n=7, nle=7, settings={"trainvalidate.loss": "l2"})
    for path in flat.glob("*/iter_*/history.csv"):
        write_csv(path, pd.read_csv(path).assign(train_loss=0.0, lambda_max=np.nan))
    wild = make(tmp_path / "wild", {"roi": ["EB", "a/b%"]}, iterations=3, seed=2, level=3.0)
    arrays = {"spectrum_initial": np.full(7, -np.inf), "spectrum_final": np.full(9, np.nan),
              "gains_initial": np.array([np.nan]), "gains_final": np.array([1.0])}  # fmt: skip
    write_arrays(wild / "0" / "iter_0" / "arrays.npz", arrays)
    (wild / "0" / "iter_1" / "arrays.npz").write_bytes(b"PK half a file")
    code, out = compare(tmp_path, flat, wild, more=["--results_labels", "_a$b", "x" * 90])
    said = capsys.readouterr().out
    assert code == 0 and "arrays of combo 0 iteration 1 cannot be read" in said
    assert "iterations differ: _a$b 2, " in said and "seed differ: _a$b 1, " in said and "losses differ in kind" in said
    assert "settings differ: trainvalidate.loss (_a$b l2, " in said
    assert {"overview.png", *by_combo("loss_roi=EB.png", "loss_roi=a-bpct.png")} <= names(out)
    assert pd.read_csv(out / "tests.csv")["note"].str.contains("seeds differ").all()


def test_labels_say_what_is_synthetic(tmp_path):
    root = make(tmp_path / "EB", {"roi": ["EB", "FB"]}, synthetic=True, write=False)
    combo = matching.read_combos(root, "EB", 0)[0]
    assert combo.connectome == "EB (synthetic)"
    assert combo_texts.title_text([combo], ["roi"]) == "roi = EB (synthetic)"
    assert combo_texts.legend_text("EB", ["EB (synthetic)"]) == "EB (synthetic)"
    assert combo_texts.legend_text("bio", ["EB (synthetic)", "FB"], "lr=1") == "bio: EB (synthetic) and FB, lr=1"
    assert combo_texts.legend_text("bio", ["A (synthetic)", "B (synthetic)", "C"]) == "bio: 3 connectomes (2 synthetic)"


def test_the_command_loads_no_model(tmp_path):
    code = "import sys, visualization; sys.exit('torch' in sys.modules or 'matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def history(values, status="complete"):
    """A curve per row of `values`, all of one series."""
    rows = [{"series": "a", "run": run, "status": status, "epoch": epoch, "y": value}
            for run, curve in enumerate(values) for epoch, value in enumerate(curve)]  # fmt: skip
    return pd.DataFrame(rows)


def test_curves_draw_the_mean_and_the_standard_deviation():
    values = np.array([[1.0, 2.0, 6.0], [3.0, 2.0, 8.0], [5.0, 2.0, 7.0]])
    table = pd.concat([history(values), history([[4.0, 90.0]], "diverged").assign(run=9)])
    figure = plotting.curves(table, [Panel("y", "y")], [Series("a")])
    axes = figure.axes[0]
    bold = [line for line in axes.lines if line.get_linewidth() == style.STYLE["lines.linewidth"]]
    np.testing.assert_allclose(bold[0].get_ydata(), values.mean(axis=0))
    band = axes.collections[0].get_paths()[0].vertices
    assert {(0.0, 1.0), (0.0, 5.0), (2.0, 6.0), (2.0, 8.0)} <= {tuple(corner) for corner in band.round(9)}
    crosses = [line for line in axes.lines if line.get_marker() == "x"]
    assert len(crosses) == 1 and crosses[0].get_xdata()[0] == 1
    assert axes.get_ylim()[1] < 20  # the diverged run does not squeeze the others


def drawn_curves(figure):
    """The bold lines of the first axes, and the corners of its bands."""
    axes = figure.axes[0]
    bold = [line for line in axes.lines if line.get_linewidth() == style.STYLE["lines.linewidth"]
            and line.get_marker() not in style.EXCLUDED_MARKERS.values()]  # fmt: skip
    return bold, [part.get_paths()[0].vertices.round(9) for part in axes.collections]


def test_on_a_log_axis_curves_are_geometric_means_with_the_range_of_few_runs():
    values = np.array([[1.0, 0.01], [4.0, 0.01], [16.0, 1.0]])  # mean - SD of the last epoch is below 0
    table = pd.concat([history(values), history([[4.0, 90.0]], "diverged").assign(run=9)])
    figure = plotting.curves(table, [Panel("y", "y")], [Series("a")])
    bold, bands = drawn_curves(figure)
    assert figure.axes[0].get_yscale() == "log"
    np.testing.assert_allclose(bold[0].get_ydata(), [4.0, 0.01 ** (2 / 3)])
    assert {(0.0, 1.0), (0.0, 16.0), (1.0, 0.01), (1.0, 1.0)} <= {tuple(corner) for corner in bands[0]}
    assert figure.legends[0].get_title().get_text() == "geometric mean and range over runs"


def test_on_a_log_axis_the_band_of_many_runs_is_from_5_to_95_percent():
    decades = np.linspace(-1, 1, 21)  # 21 runs: these quantiles are the second and the last but one
    values = 10 ** np.column_stack([decades, decades])
    figure = plotting.curves(history(values), [Panel("y", "y")], [Series("a")], singly=False)
    bold, bands = drawn_curves(figure)
    np.testing.assert_allclose(bold[0].get_ydata(), [1.0, 1.0])
    np.testing.assert_allclose(np.unique(bands[0][:, 1]), [10**-0.9, 10**0.9])
    assert figure.axes[0].get_ylim() == pytest.approx((10**-1.008, 10**1.008))  # those of the band, 6 % farther
    assert figure.legends[0].get_title().get_text() == "geometric mean and 5 to 95 % of the runs"


@pytest.mark.parametrize(
    ("log", "linear", "said"),
    [
        ([1, 1], [1], ""),
        ([3, 19], [], "geometric mean and range over runs"),
        ([20, 40], [], "geometric mean and 5 to 95 % of the runs"),
        ([3, 40], [], "geometric mean and 5 to 95 % of the runs (range of fewer than 20)"),
        ([], [3], "mean and standard deviation over runs"),
        ([3], [3], "log axes: geometric mean and range over runs; linear axes: mean and standard deviation"),
    ],
)
def test_the_legend_says_what_lines_and_bands_are(log, linear, said):
    assert averages_text(log, linear) == said


def test_a_log_axis_that_is_asked_for_needs_positive_values():
    for values, scale in (([[1.0, 0.5]], "log"), ([[1.0, 0.0]], "linear"), ([[1.0, -0.5]], "linear")):
        axes = plotting.curves(history(values), [Panel("y", "y", log=True)], [Series("a")], singly=False).axes[0]
        assert axes.get_yscale() == scale


def training_of(*roots):
    """The study of folders."""
    arguments = ["--results_folders", *map(str, roots), "--save_figs", "x"]
    return figures_command.gather(figures_command.parse(arguments))[0]


def test_losses_of_a_network_and_of_its_nulls_share_one_axes_in_each_cell(tmp_path):
    grid = {"null": ["none", "degree", "sign"], "lr": [0.1, 0.2]}
    study = training_of(make(tmp_path / "a", grid, iterations=3, status={(2, 1): "diverged"}))
    figures = dict(null_curves(study, None))
    assert set(figures) == {"nulls_loss_lr=0.1", "nulls_loss_lr=0.2"}
    figure = figures["nulls_loss_lr=0.1"]
    bold, _ = drawn_curves(figure)
    epochs = load(tmp_path / "a").history
    for combo, text, color in ((0, "none", style.COLOURS[0]), (2, "degree", style.COLOURS[1])):
        rows = epochs[(epochs["combo"] == combo) & ~((epochs["combo"] == 2) & (epochs["iteration"] == 1))]
        expected = np.exp(np.log(rows.set_index("epoch")["train_loss"]).groupby(level=0).mean())
        line = next(line for line in bold if line.get_color() == color)
        np.testing.assert_allclose(line.get_ydata(), expected, err_msg=text)
    assert len(bold) == len({line.get_color() for line in bold}) == 3
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["null=none, 3 runs", "null=degree, 2 runs", "null=sign, 3 runs", "diverged, left out of means"]
    assert "1 diverged, left out" in figure.get_suptitle().replace("\n", " ") and "lr" in figure.get_suptitle()


def test_spectra_of_a_null_before_and_after_are_in_one_panel_with_those_of_the_network(tmp_path):
    root = make(tmp_path / "a", {"null": ["none", "degree", "sign"]}, iterations=3)
    path = root / "1" / "iter_2" / "run.json"
    record = json.loads(path.read_text())
    record["summary"] |= {"verdict_initial": "unbounded", "verdict_final": "not converged"}
    path.write_text(json.dumps(record))
    figure = dict(null_spectra(training_of(root), None))["nulls_spectra"]
    degree = figure.axes[0]
    assert degree.get_title() == "null=degree\n2 runs before, 3 after"
    lines = {(line.get_color(), line.get_linestyle()): line for line in degree.lines if len(line.get_xdata()) == N}
    for combo, color in ((0, style.COLOURS[0]), (1, style.COLOURS[1])):
        for when, dash in (("initial", "--"), ("final", "-")):
            runs = [load(root).arrays(combo, i)[f"spectrum_{when}"] for i in range(3 - (combo == 1 and dash == "--"))]
            np.testing.assert_allclose(lines[color, dash].get_ydata(), np.mean(runs, axis=0))
            corners = {tuple(corner) for part in degree.collections for corner in part.get_paths()[0].vertices}
            assert {(1.0, np.min(runs, axis=0)[-1]), (1.0, np.max(runs, axis=0)[-1])} <= corners
    assert len(lines) == 4 and "unbounded, left out: 1 before training" in figure.get_suptitle()
    assert "not converged before and after: null=degree 0 and 1" in figure.legends[0].get_title().get_text()


def test_training_of_nulls_in_folders_of_their_own_is_drawn_as_that_of_one_folder(tmp_path):
    roots = [make(tmp_path / null, {"lr": [0.1, 0.2]}, iterations=3, level=1.0 + number, settings={"net.null": null})
             for number, null in enumerate(("none", "degree", "sign"))]  # fmt: skip
    study = training_of(*roots)
    figures = dict(null_curves(study, None))
    assert set(figures) == {"nulls_loss_none_lr=0.1", "nulls_loss_none_lr=0.2"}
    bold, _ = drawn_curves(figures["nulls_loss_none_lr=0.2"])
    texts = [text.get_text() for text in figures["nulls_loss_none_lr=0.2"].legends[0].get_texts()]
    assert texts == ["none, 3 runs", "degree, 3 runs", "sign, 3 runs"]
    for root, color in zip(roots, style.COLOURS[:3], strict=True):
        epochs = load(root).history.query("combo == 1").groupby("epoch")["train_loss"]
        line = next(line for line in bold if line.get_color() == color)
        np.testing.assert_allclose(line.get_ydata(), epochs.agg(lambda runs: np.exp(np.log(runs).mean())))
    spectra = dict(null_spectra(study, None))["nulls_spectra_none_lr=0.1"]
    assert [axes.get_title() for axes in spectra.axes[:2]] == ["degree\n3 runs", "sign\n3 runs"]


def test_losses_of_validation_and_of_training_trials_have_an_axes_each(tmp_path):
    root = make_task(tmp_path / "a", {"random_w": [False, True]})
    figure = dict(null_curves(training_of(root), None))["nulls_loss"]
    epochs = load(root).history.query("combo == 1").groupby("epoch")
    assert [axes.get_ylabel().split("\n")[-1] for axes in figure.axes] == ["validation trials", "training trials"]
    for axes, column in zip(figure.axes, ("validate_loss", "train_loss"), strict=True):
        line = next(line for line in axes.lines if line.get_color() == style.COLOURS[1]
                    and line.get_linewidth() == style.STYLE["lines.linewidth"])  # fmt: skip
        np.testing.assert_allclose(line.get_ydata(), epochs[column].agg(lambda runs: np.exp(np.log(runs).mean())))


def test_training_without_a_network_or_without_a_null_has_no_figure_of_nulls(tmp_path):
    for number, grid in enumerate(({"null": ["degree", "sign"]}, {"null": ["none"]}, {"lr": [0.1, 0.2]})):
        study = training_of(make(tmp_path / str(number), grid))
        assert not [*null_curves(study, None), *null_spectra(study, None)]


@pytest.mark.parametrize(("values", "scale"), [([[1.0, 0.01]], "log"), ([[1.0, 0.5]], "linear"),
                                               ([[1.0, 0.0]], "linear"), ([[2.0, 2.0]], "linear")])  # fmt: skip
def test_log_axis_only_where_it_helps(values, scale):
    assert plotting.curves(history(values), [Panel("y", "y")], [Series("a")]).axes[0].get_yscale() == scale


def test_dots_show_every_run_and_its_mean():
    table = pd.DataFrame({"series": "a", "group": ["g", "g", "g", "h"], "status": ["complete"] * 3 + ["diverged"],
                          "y": [1.0, 2.0, 6.0, 1e9]})  # fmt: skip
    axes = plotting.dot_plot(table, Panel("y", "y"), [Series("a")], ["g", "h"]).axes[0]
    dots, bar, cross = axes.lines
    np.testing.assert_allclose(dots.get_ydata(), [1, 2, 6])
    assert len(set(dots.get_xdata())) == 3 and np.abs(dots.get_xdata()).max() < 0.4
    assert list(bar.get_ydata()) == [3.0, 3.0]
    assert cross.get_marker() == "x" and axes.get_ylim()[1] < 10


def test_spectrum_of_several_runs_is_their_mean_and_of_unequal_sizes_laid_on_index_over_n():
    x, mean, spread = _mean_spectrum([(np.array([2.0, 0.0]), np.zeros(2), 2), (np.array([4.0, 0.0]), np.zeros(2), 2)])
    np.testing.assert_allclose([x, mean, spread], [[0.5, 1.0], [3.0, 0.0], [np.sqrt(2), 0.0]])
    x, mean, spread = _mean_spectrum([(np.array([2.0, -np.inf]), np.array([0.1, 0.2]), 2)])
    np.testing.assert_allclose([mean, spread], [[2.0, np.nan], [0.1, 0.2]])
    pair = [(np.array([4.0, 3.0, 2.0, 1.0]), np.zeros(4), 4), (np.array([3.0, 1.0]), np.zeros(2), 2)]
    _, mean, _ = _mean_spectrum(pair)
    x, mean_of_leading, _ = _mean_spectrum([(np.array([4.0, 3.0]), np.zeros(2), 200)])
    assert list(x) == [1 / 200, 2 / 200] and list(mean_of_leading) == [4.0, 3.0]
    np.testing.assert_allclose(mean, [4.0, 3.0, 2.0, 1.0])


def test_text_of_every_figure_is_at_least_7_points_and_svg_text_stays_text():
    sizes = [value for name, value in style.STYLE.items() if name.endswith(("size", "fontsize")) and "." in name]
    assert min(sizes) >= 7
    drawing = plotting.render(plotting.curves(history([[1.0, 2.0]]), [Panel("y", "loss (1/τ)")], [Series("a")]), "svg")
    assert "loss (1/τ)" in drawing.decode()
    with pytest.raises(ValueError, match=r"png, svg, pdf\), got 'bmp'"):
        plotting.render(None, "bmp")


def test_no_series_looks_like_another():
    looks = {(one.color, str(one.linestyle)) for one in (Series(str(i), colour=i) for i in range(24))}
    assert len(looks) == 24


def make_task(root: Path, grid=None, iterations=2, task="nback_mem", lift=0.0, synthetic=False, random_w=False,
              epochs=11) -> Path:  # fmt: skip
    """A folder of working-memory runs: validation falls by a tenth of the range each epoch, to 1 + lift + iteration."""
    more = {"trialparams.task_name": task, "trainvalidate.loss": "task", "net.random_w": random_w}
    root = make(root, grid, iterations, name="Marmoset", synthetic=False, settings=more, write=False)
    manifest = json.loads((root / "manifest.json").read_text())
    for combo in manifest["combos"]:
        source = "synthetic latents" if synthetic else "uniform values"
        combo["connectome"]["task"] = {"name": task, "trials": "8", "source": source, "synthetic": synthetic}
    (root / "manifest.json").write_text(json.dumps(manifest))
    for combo, iteration in itertools.product(manifest["combos"], range(iterations)):
        run = ResultsFolder(root).run(combo["combo"], iteration)
        run.create()
        loss = 1 + lift + iteration + combo["combo"] + np.linspace(1, 0, epochs)
        table = pd.DataFrame({"epoch": range(epochs), "train_loss": loss + 5, "validate_loss": loss, "seconds": 0.1})
        summary = {"loss_initial": loss[0] + 5, "loss_final": loss[-1] + 5, "validate_loss_best": loss[-1],
                   "epoch_best": epochs - 1, "spectral_radius_initial": 0.9, "spectral_radius_final": 1.1}  # fmt: skip
        if task != "seq_mem":
            table = table.assign(train_metrics=60 + 2 * table["epoch"], validate_metrics=50 + table["epoch"])
            summary |= {"validate_metrics_final": 60.0, "validate_metrics_best": 60.0}
        write_csv(run.path / "history.csv", table)
        write_arrays(run.path / "arrays.npz", {"weights_initial": np.zeros(9), "weights_final": np.arange(9.0)})
        run.finish({"combo": combo["combo"], "iteration": iteration, "status": "complete", "epoch_0": "untrained",
                    "summary": summary})  # fmt: skip
    return root


@pytest.mark.slow
def test_task_folders_give_curves_boxes_and_the_table(tmp_path, capsys):
    grid = {"lr": [0.1], "n_back": [1, 2]}
    one = make_task(tmp_path / "one", grid)
    two = make_task(tmp_path / "two", grid, lift=0.25, random_w=True)
    code, out = compare(tmp_path, one, two, more=["--format", "svg", "--results_labels", "bio", "rand"])
    said = capsys.readouterr().out
    assert code == 0 and "λ" not in said and "lambda" not in said and "1/τ" not in said
    per_combo = {f"{what}_lr=0.1_n_back={n}.svg" for what in ("loss", "parameters", "minimum") for n in (1, 2)}
    grids = {"validate_metrics.svg", "spectral_radius.svg"}
    nulls = {f"nulls_loss_bio_lr=0.1_n_back={n}.svg" for n in (1, 2)} | {"nulls_loss_minimum_bio_lr=0.1.svg"}
    overlays = {f"courses_by_n_back_{label}.svg" for label in ("bio", "rand")}
    assert names(out) == by_combo(*per_combo, *grids, *nulls, *overlays) | {"overview.svg", "tests.csv", "means.csv"}
    curves = (out / "by_combo" / "loss_lr=0.1_n_back=1.svg").read_text()
    for text in ("nback_mem: lr", "likelihood (nats)", "accuracy (%)", ">validation<", ">training<",
                 "rand: Marmoset shuffled, 2 runs"):  # fmt: skip
        assert text in curves, text
    assert "MSE" not in curves and "Lyapunov" not in curves and "(NLL)" not in curves
    assert not any("together" in path.read_text() for path in out.rglob("*.svg"))
    table = pd.read_csv(out / "tests.csv").set_index(["combo", "metric"])
    assert {metric for _, metric in table.index} == {
        "loss_minimum", "epoch_minimum", "epoch_99", "validate_metrics_final", "validate_metrics_best"}  # fmt: skip
    assert set(pd.read_csv(out / "means.csv")["metric"]) == {
        "loss_initial", "loss_final", "loss_minimum", "epoch_minimum", "epoch_99", "validate_metrics_final",
        "validate_metrics_best", "spectral_radius_initial", "spectral_radius_final"}  # fmt: skip
    row = table.loc[("lr=0.1, n_back=2", "loss_minimum")]  # combo 1: minima 2 and 3
    assert (row["mean_a"], row["mean_b"], row["difference_b_minus_a"], row["n"]) == (2.5, 2.75, 0.25, 2)


@pytest.mark.slow
def test_the_loss_of_recall_is_a_squared_error_and_has_no_accuracy(tmp_path, capsys):
    code, out = compare(tmp_path, make_task(tmp_path / "one", task="seq_mem"), more=["--format", "svg"])
    assert code == 0
    stems = ("overview", *by_combo("loss", "parameters", "minimum", "spectral_radius"))
    assert names(out) == {f"{stem}.svg" for stem in stems} | {"tests.csv", "means.csv"}
    curves = (out / "by_combo" / "loss.svg").read_text()
    assert "error of recall (MSE)" in curves and "accuracy" not in curves and "chance" not in curves
    assert compare(tmp_path, tmp_path / "one", more=["--format", "svg", "--ylabel", "my loss"])[0] == 0
    assert all("my loss" in (out / f"{stem}.svg").read_text() for stem in ("overview", "by_combo/loss"))


@pytest.mark.slow
def test_made_up_images_are_called_synthetic_in_every_figure(tmp_path, capsys):
    one = make_task(tmp_path / "one", {"n_back": [1, 2]}, task="pic_latent_mem", synthetic=True)
    code, out = compare(tmp_path, one, more=["--format", "svg"])
    assert code == 0
    assert all("pic_latent_mem (synthetic latents)" in path.read_text() for path in out.rglob("*.svg"))
    two = make_task(tmp_path / "two", {"n_back": [1, 2]}, task="pic_latent_mem")
    assert compare(tmp_path, one, two, more=["--format", "svg", "--filter", "n_back=1"])[0] == 0
    assert "trial data differ: one synthetic latents, two uniform values" in capsys.readouterr().out
    drawing = (out / "by_combo" / "loss_n_back=1.svg").read_text()
    assert "one: Marmoset, pic_latent_mem (synthetic latents)," in drawing  # the rest is on the next line
    assert "two: Marmoset, pic_latent_mem, 2 runs" in drawing


@pytest.mark.slow
def test_what_does_not_compare_is_refused(tmp_path, capsys):
    spectrum_runs = make(tmp_path / "spectra", write=False)
    recall, nback = make_task(tmp_path / "recall", task="seq_mem"), make_task(tmp_path / "nback")
    out = ["--save_figs", tmp_path / "out"]
    error = refused(capsys, "--results_folders", spectrum_runs, nback, *out)
    assert "got train on a spectrum (spectra), train on a task (nback)" in error
    error = refused(capsys, "--results_folders", recall, nback, *out)
    assert "got seq_mem (mean squared error of recall (MSE)), nback_mem (negative log-likelihood (nats))" in error
    assert not (tmp_path / "out").exists()
    code = run("--results_folders", recall, nback, *out, "--filter", "task_name=nback_mem")
    assert code == 0 and "recall: no combo left by --filter" in capsys.readouterr().out


def test_a_combo_that_one_folder_lacks_is_drawn_for_the_other(tmp_path):
    one = make_task(tmp_path / "one", {"n_back": [1, 2]})
    two = make_task(tmp_path / "two", {"n_back": [1, 2, 3]})
    study = training_of(one, two)
    figures = dict(training.loss_minimum_boxes(study, None))
    assert set(figures) == {f"minimum_n_back={n}" for n in (1, 2, 3)}
    (overview,) = dict(FIGURES[figures_command.ON_TASK].first_figures(study, None)).values()
    axes = next(axes for axes in overview.axes if axes.get_gid() == "loss_minimum")
    dots = [line.get_ydata() for line in axes.lines if line.get_gid() == "run"]
    np.testing.assert_allclose(sorted(map(list, dots)), [[1, 2], [1, 2], [2, 3], [2, 3], [3, 4]])  # iterations 0 and 1


def test_no_mean_of_the_end_of_training_is_of_several_values_of_an_option(tmp_path):
    grid = {"n_back": [1, 2], "lr": [0.1, 0.2], "null": ["none", "degree"]}
    study = training_of(make_task(tmp_path / "one", grid))
    (overview,) = dict(FIGURES[figures_command.ON_TASK].first_figures(study, None)).values()
    panels = [axes for axes in overview.axes if axes.get_gid() == "loss_minimum"]
    dots = [y for axes in panels for line in axes.lines if line.get_gid() == "run" for y in line.get_ydata()]
    np.testing.assert_allclose(sorted(dots), sorted(1.0 + combo + i for combo in range(8) for i in range(2)))
    means = [y for axes in panels for line in axes.lines if line.get_gid() == "mean" for y in line.get_ydata()]
    np.testing.assert_allclose(sorted(means), [combo + 1.5 for combo in range(8)])  # each of one combo
    courses = [line.get_ydata() for axes in overview.axes for line in axes.lines if line.get_gid() == "course"]
    ends = [np.sqrt((combo + 1) * (combo + 2)) for combo in range(8)]  # geometric means on a log axis
    np.testing.assert_allclose(sorted(course[-1] for course in courses), ends)


def test_each_run_has_its_own_level_of_chance_where_they_differ():
    """One line where all are equal; else a dash at each dot, and over epochs a band whose limits the legend names."""
    rows = pd.DataFrame({"series": "a", "group": "a", "status": "complete", "y": [70.0, 80.0], "level": [51.0, 54.0]})
    panel = Panel("y", "y", own_chance="level", linear=True)
    figure = plotting.dot_plot(rows, panel, [Series("a")], ["a"])
    dashes = next(line for line in figure.axes[0].lines if line.get_marker() == "_")
    dots = next(line for line in figure.axes[0].lines if line.get_marker() == "o")
    assert list(dashes.get_ydata()) == [51.0, 54.0] and list(dashes.get_xdata()) == list(dots.get_xdata())
    assert not any("51" in text.get_text() for text in figure.legends[0].get_texts())
    figure = plotting.dot_plot(rows.assign(level=51.0), panel, [Series("a")], ["a"])
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "chance level: best constant answer (51 %)" in texts and not any("each run" in text for text in texts)
    over_epochs = plotting.curves(history([[60.0, 70.0]]), [Panel("y", "y", chance=(51.0, 54.0))], [Series("a")])
    assert "(51 to 54 %)" in over_epochs.legends[0].get_texts()[-1].get_text()
    levels = [line.get_ydata()[0] for line in over_epochs.axes[0].lines if len(set(line.get_ydata())) == 1]
    assert {51.0, 54.0} <= set(levels)


def test_combos_of_a_folder_differ_in_colour_where_the_dash_means_training(tmp_path):
    one, two = make_task(tmp_path / "one", {"lr": [1, 2]}), make_task(tmp_path / "two", {})
    asked = figures_command.parse(["--results_folders", str(one), str(two), "--save_figs", "x"])
    study, _ = figures_command.gather(asked)
    series = combo_series(study, study.groups[0], dashed=False)
    assert len({one.color for one in series.values()}) == 3 and {one.linestyle for one in series.values()} == {"-"}


def test_training_and_validation_are_told_apart_by_line_style():
    table = history([[4.0, 3.0], [6.0, 5.0]]).assign(t=lambda t: t["y"] + 10)
    panel = Panel("y", "y", training="t", chance=(4.0, 4.0))
    axes = plotting.curves(table, [panel], [Series("a")]).axes[0]
    bold = [line for line in axes.lines if line.get_linewidth() == style.STYLE["lines.linewidth"]]
    assert [(line.get_linestyle(), list(line.get_ydata())) for line in bold] == [("--", [15.0, 14.0]),
                                                                                 ("-", [5.0, 4.0])]  # fmt: skip
    assert len({line.get_color() for line in bold}) == 1
    assert any(list(line.get_ydata()) == [4.0, 4.0] for line in axes.lines)
    assert axes.get_yscale() == "linear"


def test_boxes_are_of_the_runs_that_did_not_diverge():
    table = pd.DataFrame({"series": "a", "group": "a", "status": ["complete"] * 5 + ["diverged"],
                          "y": [1.0, 2.0, 3.0, 5.0, 9.0, 1e9]})  # fmt: skip
    axes = plotting.dot_plot(table, [Panel("y", "y", whole=True)], [Series("a")], ["a"], boxes=True).axes[0]
    corners = axes.patches[0].get_path().vertices[:, 1]
    assert (corners.min(), corners.max()) == (2.0, 5.0)  # quartiles
    assert any(list(line.get_ydata()) == [3.0, 3.0] for line in axes.lines)  # median
    assert {1.0, 9.0} <= {y for line in axes.lines for y in line.get_ydata()}  # whiskers over the range
    dots = next(line for line in axes.lines if line.get_marker() == "o")
    assert len(dots.get_ydata()) == 5


def test_a_single_epoch_has_no_fractions_beside_it_and_no_box_in_the_legend():
    table = pd.DataFrame({"series": "a", "group": "a", "status": "complete", "y": [3.0]})
    figure = plotting.dot_plot(table, [Panel("y", "y", whole=True)], [Series("a")], ["a"], boxes=True)
    drawing = plotting.render(figure, "svg").decode()
    assert all(tick == round(tick) for tick in figure.axes[0].get_yticks()) and ">3<" in drawing
    assert ">mean<" in drawing and "quartiles" not in drawing


@pytest.mark.slow
def test_a_reader_that_stops_reading_gets_no_traceback(tmp_path):
    root, out = make_task(tmp_path / "one"), tmp_path / "figs"
    command = [sys.executable, "visualization.py", "--results_folders", str(root), "--save_figs", str(out)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0 and (out / "tests.csv").exists()


def table_of(*folders, more=()) -> pd.DataFrame:
    """What is written as tests.csv, without the pictures."""
    asked = ["--results_folders", *folders, "--save_figs", "x", *more]
    return figures_command.tested(*figures_command.gather(figures_command.parse(list(map(str, asked)))))


def by_hand(root: Path, option: str, reference, value, **equal) -> np.ndarray:
    """The differences of lambda_max_final by iteration, from the folder's files alone, other options averaged."""
    values = {combo["combo"]: combo["values"] for combo in json.loads((root / "manifest.json").read_text())["combos"]}
    found = []
    for iteration in range(20):
        apart = []
        for number, wanted in values.items():
            partner = next(other for other, have in values.items() if have == {**wanted, option: reference})
            files = [root / str(at) / f"iter_{iteration}" / "run.json" for at in (number, partner)]
            chosen = wanted[option] == value and all(wanted[name] == at for name, at in equal.items())
            if chosen and all(file.exists() for file in files):
                at, base = (json.loads(file.read_text())["summary"]["lambda_max_final"] for file in files)
                apart.append(at - base)
        found += [sum(apart) / len(apart)] if apart else []
    return np.array(found)


@pytest.mark.parametrize(("option", "reference", "others"), [
    ("null", "none", ["degree", "sign"]), ("random_w", False, [True]), ("net.null", "none", ["dense"])])  # fmt: skip
def test_controls_are_compared_with_their_reference_within_one_folder(tmp_path, option, reference, others):
    """Every number of the rows by another way: from the result files, and by enumeration of signs."""
    grid = {"lr": [0.1, 0.01], option: [others[0], reference, *others[1:]]}
    root = make(tmp_path / "one", grid, iterations=3, status={(0, 2): "missing"})
    rows = table_of(root).query("metric == 'lambda_max_final'")
    assert set(rows["label_a"]) == set(rows["label_b"]) == {"one"}
    assert set(rows["own_a"]) == {f"{option}={reference}"} and rows[option].isna().all()
    assert len(rows) == len(others) * 2  # each at both lr, and never pooled
    for value, lr in itertools.product(others, (0.1, 0.01)):
        row = rows[(rows["own_b"] == f"{option}={value}") & (rows["combo"] == f"lr={lr}")].iloc[0]
        apart = by_hand(root, option, reference, value, lr=lr)
        assert row["n"] == len(apart) == (2 if lr == 0.1 and value == others[0] else 3)
        assert row["difference_b_minus_a"] == pytest.approx(apart.mean())
        assert row["mean_b"] - row["mean_a"] == pytest.approx(apart.mean()) or row["n_a"] != row["n_b"]
        flips = [abs(np.dot(signs, apart)) for signs in itertools.product((1, -1), repeat=len(apart))]
        assert row["p"] == np.mean(np.array(flips) >= abs(apart.sum()) - 1e-12)
        assert row["effect_size"] == pytest.approx(apart.mean() / apart.std(ddof=1))
        assert row["interval_low"] < apart.mean() < row["interval_high"]
        assert row["note"].startswith("assumes that both sides are redrawn")  # these folders do not say


def test_controls_are_compared_in_each_of_several_folders_also_where_not_all_vary_them(tmp_path):
    one = make(tmp_path / "one", {"lr": [0.1, 0.01], "null": ["none", "sign"]}, iterations=2)
    two = make(tmp_path / "two", {"lr": [0.1, 0.01]}, iterations=2, level=2.0)
    table = table_of(one, two).query("metric == 'lambda_max_final'")
    within = table[table["label_a"] == table["label_b"]]
    assert list(zip(within["label_a"], within["combo"], within["own_a"], within["own_b"], strict=True)) == [
        ("one", combo, "null=none", "null=sign") for combo in ("lr=0.1", "lr=0.01")]  # fmt: skip
    assert not within["note"].str.contains("seeds differ").any()
    between = table[table["label_a"] != table["label_b"]]
    assert list(between["own_a"]) == ["null=none", "null=sign"] * 2


def test_without_the_reference_or_another_value_controls_are_not_compared(tmp_path):
    root = make(tmp_path / "one", {"null": ["degree", "none", "sign"]})
    for left in (["null=degree", "null=sign"], ["null=none"]):
        assert table_of(root, more=["--filter", *left]).empty


def test_differences_of_controls_are_written_and_printed(tmp_path, capsys):
    root = make(tmp_path / "one", {"null": ["none", "degree"]}, level=2.0, groups=1)
    code, out = compare(tmp_path, root)
    said = capsys.readouterr().out
    assert code == 0 and "differences b - a in each cell" in said and "one, null=none one, null=degree" in said
    table = pd.read_csv(out / "tests.csv")
    assert list(table.columns)[:3] == ["combo", "null", "metric"] and table.columns[-1] == "note"
    row = table[table["metric"] == "lambda_max_final"].iloc[0]
    apart = by_hand(root, "null", "none", "degree")
    assert row["difference_b_minus_a"] == pytest.approx(apart.mean()) and f"{apart.mean():.3g} [" in said
    assert "2 pairs allow no p below 0.5, and p < .05 needs 6" in said
    assert f"tests.csv has {table['p'].notna().sum()} p values: about" in said


def test_nulls_are_no_further_connectomes():
    whole = [f"EB (synthetic){null}" for null in ("", " null: degree", " null: sign", " shuffled")]
    assert combo_texts.legend_text("x", whole) == "x: EB (synthetic) with null models"
    assert combo_texts.legend_text("x", [*whole, "B", "C"]) == "x: 3 connectomes (1 synthetic) with null models"
    assert combo_texts.legend_text("x", whole[:2]) == "x: EB (synthetic) and EB (synthetic) null: degree"


def test_no_metric_has_the_name_of_an_option_that_a_grid_may_list():
    """In a table of runs a column would be both."""
    for name, kind in FIGURES.items():
        axes = {key for (_, key), about in SCHEMA.options.items() if about.grid and name.split()[0] in about.readers}
        assert len(axes) > 5 and not axes & set(kind.metrics), name


@pytest.mark.parametrize("shape", [None, (0,), (3, 2), (2, 0, 3)])
def test_arrays_of_another_shape_end_in_one_line(tmp_path, monkeypatch, capsys, shape):
    path = tmp_path / "a.ini"
    path.write_text(f"[experiment]\nkind = spectrum\n[paths]\npath_to_results = {tmp_path / 'a'}\n[net]\nroi = random\n"
                    "n = 6\n[lyapunov]\nnle = 3\ntsim = 2\n[trainvalidate]\niterations = 1\n")  # fmt: skip
    assert runrandomnet.main([str(path)]) == 0
    arrays = tmp_path / "a" / "0" / "iter_0" / "arrays.npz"
    if shape:
        with np.load(arrays) as file:
            np.savez(arrays, **{**file, "exponents": np.zeros(shape)})
    else:
        monkeypatch.setattr(figures_command, "write", lambda *given: [][1])
    capsys.readouterr()
    code = visualization.main(["--results_folders", str(tmp_path / "a"), "--save_figs", str(tmp_path / "figures")])
    error = capsys.readouterr().err
    assert (code, len(error.splitlines())) in ((0, 0), (2, 1)) and "Traceback" not in error
    if shape is None:
        assert "got some that cannot be drawn: IndexError: list index out of range (test_visualization.py" in error


def test_characters_that_the_font_lacks_are_told_once(tmp_path, capsys, recwarn):
    one, two = (make(tmp_path / name, {"lr": [0.1]}) for name in ("one", "two"))
    code, out = compare(tmp_path, one, two, more=["--results_labels", "bio \N{BRAIN}", "µ rand"])
    said = capsys.readouterr()
    assert code == 0 and (out / "means.csv").exists()
    assert said.out.count("figures show a box for \N{BRAIN} of the labels, which their font lacks") == 1
    assert "Glyph" not in said.err and not [one for one in recwarn if "Glyph" in str(one.message)]
