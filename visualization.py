"""Compare results folders: figures, and a table of paired differences.

    python visualization.py --results_folders A B --results_labels bio rand --save_figs figs

Combos are matched across folders by the values of the options that all folders vary. What a folder varies alone is
drawn and compared on its own, never mixed. Folders that are unfinished, failed or diverged in part are drawn as far as
they go, and the console says what is missing. To give a kind of experiment its figures, add its row to FIGURES.
"""

import argparse
import re
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from randomnet import plotting, results
from randomnet.comparison import matching, statistics
from randomnet.comparison.matching import Combo, Matched, Study, canonical, distinct
from randomnet.config import nearest
from randomnet.plotting import Panel, Series

LOSSES = {
    "mse": "loss: mean squared\ndifference from target (1/τ²)",
    "l2": "loss: Euclidean\ndistance from target (1/τ)",
    "sinai": "loss: minus the entropy rate\nh$_\\mathrm{KS}$ (1/τ)",
}
LAMBDA = "largest Lyapunov exponent\nλ$_\\mathrm{max}$ (1/τ)"
Figures = Iterator[tuple[str, Figure]]  # each with the name of its file


class BadInput(ValueError):
    """What the user asked for cannot be done; the text is one line."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        raise BadInput(message)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line, checked as far as it can be without the folders; BadInput otherwise."""
    parser = _Parser(prog="visualization.py", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    add = parser.add_argument
    add("--results_folders", nargs="+", required=True, type=Path, metavar="DIR", help="results folders to compare")
    add("--results_labels", nargs="+", metavar="TEXT", help="a name for each (default: the folders' names)")
    add("--save_figs", required=True, type=Path, metavar="DIR", help="where to write; made if missing")
    add("--ylabel", metavar="TEXT", help="label of the loss axes (default: what the loss is, with its unit)")
    add("--format", nargs="+", default=["png"], metavar="FORMAT", help=f"of {', '.join(plotting.FORMATS)} (png)")
    add("--filter", nargs="+", default=[], metavar="OPTION=VALUE", action="extend",
        help="only these combos; one option with several values keeps all of them")  # fmt: skip
    asked = parser.parse_args(arguments)
    labels = asked.results_labels or [folder.resolve().name for folder in asked.results_folders]
    if len(labels) != len(asked.results_folders):
        raise BadInput(f"--results_labels: expected {len(asked.results_folders)} labels, one per folder, "
                       f"got {len(labels)}")  # fmt: skip
    twice = [label for label in dict.fromkeys(labels) if labels.count(label) > 1]
    if twice:
        raise BadInput(f"--results_labels: expected unique labels, got {twice[0]!r} {labels.count(twice[0])} times")
    for name in asked.format:
        if name not in plotting.FORMATS:
            near = nearest(name, plotting.FORMATS)
            raise BadInput(f"--format: expected of {', '.join(plotting.FORMATS)}, got {name!r}{near}")
    for text in asked.filter:
        if not re.match(r"[^=\s]+=", text):
            raise BadInput(f"--filter: expected OPTION=VALUE, got {text!r}")
    try:
        plotting.check_text(asked.ylabel or "")
    except ValueError as error:
        raise BadInput(f"--ylabel: {error}") from None
    asked.results_labels = labels
    return asked


def _loss_label(ylabel: str | None, combos: Sequence[Combo]) -> str:
    names = distinct(combos, matching.LOSS)
    if ylabel:
        return ylabel
    if len(names) > 1:
        return f"loss ({' and '.join(names)}: not the same quantity)".replace("$", r"\$")
    return LOSSES.get(names[0].casefold(), f"loss ({names[0]})".replace("$", r"\$")) if names else "loss"


def _stem(what: str, group: Matched) -> str:
    return what if group.key == matching.ALL else f"{what}_{group.key}"


def _series(study: Study, group: Matched) -> dict[tuple[str, int], Series]:
    """A colour for each folder, and a dash for each of its combos in this figure, by (label, number)."""
    found: dict[tuple[str, int], Series] = {}
    for combo in group.combos:
        dash = sum(label == combo.label for label, _ in found)
        text = matching.legend_text(combo.label, [combo.connectome], matching.own_text(combo, study.shared))
        found[combo.label, combo.number] = Series(text, combo.place, dash)
    return found


def _pooled_series(study: Study) -> dict[str, Series]:
    names: dict[str, list[Combo]] = {}
    for combo in study.combos:
        names.setdefault(combo.label, []).append(combo)
    return {label: Series(matching.legend_text(label, [combo.connectome for combo in own]), own[0].place)
            for label, own in sorted(names.items(), key=lambda item: item[1][0].place)}


def loss_curves(study: Study, ylabel: str | None) -> Figures:
    """Loss and largest exponent over epochs, a figure per combo."""
    for group in study.matched:
        series = _series(study, group)
        parts = []
        for combo in group.combos:
            history = combo.loaded.history
            if history.empty or not {"epoch", "train_loss"} <= set(history.columns):
                continue
            rows = history[history["combo"] == combo.number]
            status = combo.loaded.table.query("combo == @combo.number").set_index("iteration")["status"]
            parts.append(rows.assign(series=series[combo.label, combo.number].text, run=rows["iteration"],
                                     status=rows["iteration"].map(status)))  # fmt: skip
        history = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
        if not history.empty:
            panels = [Panel("train_loss", _loss_label(ylabel, group.combos)), Panel("lambda_max", LAMBDA, zero=True)]
            yield _stem("loss", group), plotting.curves(history, panels, list(series.values()), group.title)


def array_figures(study: Study, ylabel: str | None) -> Figures:
    """Spectra, and distributions of what was trained, before and after, two figures per combo."""
    for group in study.matched:
        arrays = {(combo.label, combo.number): list(_arrays(combo)) for combo in group.combos}
        series = _series(study, group)
        yield from _spectra(group, arrays, series)
        yield from _distributions(group, arrays, series)


def _arrays(combo: Combo) -> Iterator[dict[str, np.ndarray]]:
    """The arrays of the runs that did not diverge: what is left of those is no result."""
    rows = combo.loaded.table[combo.loaded.table["combo"] == combo.number]
    for iteration in rows.loc[rows["status"] != results.DIVERGED, "iteration"]:
        try:
            yield combo.loaded.arrays(combo.number, iteration)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            print(f"{combo.label}: arrays of combo {combo.number} iteration {iteration} cannot be read: {error}")


def _spectra(group: Matched, arrays: Mapping[Any, list], series: Mapping[Any, Series]) -> Figures:
    before, after, targets = {}, {}, {}
    for key, one in series.items():
        for when, found in (("initial", before), ("final", after)):
            name = f"spectrum_{when}"
            runs = [run for run in arrays[key] if name in run and run[name].ndim == 1 and run[name].size]
            if runs:
                found[one.text] = [(run[name], run.get(f"{name}_stderr", np.full(run[name].shape, np.nan)))
                                   for run in runs]  # fmt: skip
        aims = [run["target"] for run in arrays[key] if "target" in run and run["target"].size]
        if aims:
            targets[one.text] = np.ravel(aims[0])
    if before or after:
        yield _stem("spectra", group), plotting.spectra(before, after, targets, list(series.values()), group.title)


def _distributions(group: Matched, arrays: Mapping[Any, list], series: Mapping[Any, Series]) -> Figures:
    found = {}
    for name in ("gains", "shifts", "weights"):
        names = (f"{name}_initial", f"{name}_final")
        runs = {one.text: [run for run in arrays[key] if all(part in run for part in names)]
                for key, one in series.items()}  # fmt: skip
        pairs = {text: tuple(np.concatenate([np.ravel(run[part]) for run in some]) for part in names)
                 for text, some in runs.items() if some}  # fmt: skip
        # What was not trained has not changed, and there is nothing to compare.
        if any(not np.array_equal(*pair, equal_nan=True) for pair in pairs.values()):
            found[name] = pairs
    if found:
        yield _stem("parameters", group), plotting.distributions(found, list(series.values()), group.title)


def end_dots(study: Study, ylabel: str | None, column: str, label: str | None = None, zero: bool = False) -> Figures:
    """A quantity at the end of training, by label and by every gridded option; `label` None is the loss's."""
    panel = Panel(column, label or _loss_label(ylabel, study.combos), zero)
    series = _pooled_series(study)
    runs = study.runs[study.runs["status"].isin([results.COMPLETE, results.DIVERGED])]
    runs = runs.assign(series=runs["label"].map({label: one.text for label, one in series.items()}))
    if not np.isfinite(runs[column].astype(float)).any():
        return
    texts = [one.text for one in series.values()]
    pooled = [option for option in study.varied if len(distinct(study.combos, option)) > 1]
    shown = runs.assign(group=runs["series"])
    yield f"{column}_by_label", plotting.dots(shown, panel, list(series.values()), texts, title=_pooled_title(pooled))
    for option in pooled:
        names = _group_names(study, option)
        values = {(combo.label, combo.number): canonical(combo.get(option)) for combo in study.combos}
        keys = zip(runs["label"], runs["number"], strict=True)
        shown = runs.assign(group=[names.get(values[key]) for key in keys])
        rest = _pooled_title([other for other in pooled if other != option])
        yield f"{column}_by_{option}", plotting.dots(shown, panel, list(series.values()), list(names.values()),
                                                    xlabel=option, title=rest)  # fmt: skip


def _group_names(study: Study, option: str) -> dict[Any, str]:
    """The values of an option in their order, by what makes them equal, as people read them."""
    order = [canonical(text) for text in distinct(study.combos, option)]
    same = {key: [combo for combo in study.combos if canonical(combo.get(option)) == key] for key in order}
    return {key: max((matching.value_text(combo, option) for combo in combos), key=len) for key, combos in same.items()}


def _pooled_title(options: Sequence[str]) -> str:
    return "after training" + (f", all values of {' and '.join(options)} together" if options else "")


class Kind(NamedTuple):
    """What is compared, printed and drawn for one kind of experiment; each figure function makes any number of them."""

    metrics: tuple[str, ...]
    overview: tuple[str, ...]
    figures: tuple[Callable[[Study, str | None], Figures], ...]


FIGURES = {
    "train": Kind(
        metrics=("loss_initial", "loss_final", "loss_best", "epoch_best", "lambda_max_initial", "lambda_max_final",
                 "n_positive_initial", "n_positive_final", "D_KY_initial", "D_KY_final", "h_KS_initial", "h_KS_final",
                 "seconds"),
        overview=("loss_initial", "loss_final", "lambda_max_initial", "lambda_max_final"),
        figures=(
            loss_curves,
            array_figures,
            partial(end_dots, column="loss_final"),
            partial(end_dots, column="lambda_max_final", label=LAMBDA, zero=True),
        ),
    ),
}  # fmt: skip


def gather(asked: argparse.Namespace) -> tuple[Study, Kind]:
    """Read all folders and match their combos; BadInput or ResultsError before anything is written."""
    pairs = zip(asked.results_folders, asked.results_labels, strict=True)
    combos = [one for place, (root, label) in enumerate(pairs) for one in matching.read_combos(root, label, place)]
    kinds = list(dict.fromkeys(str(combo.loaded.manifest.get("kind")) for combo in combos))
    if len(kinds) != 1 or kinds[0] not in FIGURES:
        raise BadInput(f"--results_folders: expected folders of one kind, of {', '.join(FIGURES)}, "
                       f"got {', '.join(kinds) or 'no combos'}")  # fmt: skip
    kind = FIGURES[kinds[0]]
    return matching.match(matching.keep(combos, asked.filter), kind.metrics, asked.results_labels), kind


def make_folder(path: Path) -> None:
    """Make `path` and make sure that files can be written there."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise BadInput(f"--save_figs {path}: expected a folder to write to, got: {error.strerror or error}") from None


def file_names(stem: str, taken: set[str]) -> str:
    """`stem` as a readable file name that is safe everywhere and not yet in `taken`, which it joins."""
    safe = re.sub(r"[^\w=.+-]+", "-", stem.replace("%", "pct").replace(", ", "_")).strip("-.")[:120]
    # Some file systems do not tell upper from lower case.
    free = next(name for name in (safe, *(f"{safe}-{i}" for i in range(2, 10_000))) if name.casefold() not in taken)
    taken.add(free.casefold())
    return free


def write(study: Study, kind: Kind, ylabel: str | None, folder: Path, formats: Sequence[str]) -> list[Path]:
    """Draw and write everything; the paths, the table last."""
    written: list[Path] = []
    taken: set[str] = set()
    for draw in kind.figures:
        for stem, figure in draw(study, ylabel):
            name = file_names(stem, taken)
            for fmt in dict.fromkeys(formats):
                written.append(folder / f"{name}.{fmt}")
                results.write_bytes(written[-1], plotting.render(figure, fmt))
    written.append(folder / "comparison.csv")
    results.write_csv(written[-1], compared(study, kind))
    return written


def compared(study: Study, kind: Kind) -> pd.DataFrame:
    """The table: paired differences, or, of one folder alone, means and standard errors."""
    if study.runs["label"].nunique() == 1:
        return statistics.summary_table(study.runs, kind.metrics, study.shared)
    seeds = {combo.label: combo.loaded.manifest.get("seed") for combo in study.combos}
    return statistics.comparison_table(study.runs, kind.metrics, study.shared, seeds)


def overview(study: Study, kind: Kind) -> str:
    """What was drawn: a line per combo and label."""
    lines = []
    for (combo, label, own), runs in study.runs.groupby(["combo", "label", "own"], sort=False):
        complete = runs[runs["status"] == results.COMPLETE]
        line = {"combo": combo, "label": f"{label}, {own}" if own else label, "runs": f"{len(complete)}/{len(runs)}"}
        for name in kind.overview:
            values = complete[name][np.isfinite(complete[name])]
            spread = f" ± {values.std():.2g}" if len(values) > 1 else ""
            line[name] = f"{values.mean():.4g}{spread}" if len(values) else "-"
        lines.append(line)
    return pd.DataFrame(lines).to_string(index=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0, or 2 with one line on stderr."""
    try:
        asked = parse(arguments)
        study, kind = gather(asked)
        make_folder(asked.save_figs)
        for line in matching.notes(study):
            print(line)
        written = write(study, kind, asked.ylabel, asked.save_figs, asked.format)
    except (BadInput, results.ResultsError, OSError) as error:
        print(f"visualization.py: error: {error}", file=sys.stderr)
        return 2
    if len(written) == 1:
        print("no figure: no run has written anything yet")
    print(f"\ncomplete runs, mean ± standard deviation (exponents in 1/τ)\n{overview(study, kind)}\n")
    for path in written:
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
