"""What ends an experiment with report = True: the result in sentences, its report, and how to use an own network."""

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from randomnet.command_line.program import command_line, path_argument
from randomnet.loading import loading
from randomnet.results import MISSING, ResultsFolder

FOLDER = "report"  # in the results folder
DESCRIBED = ("regions", "populations")  # sources of networks that the user describes in the INI
TEMPLATES = "hemibrain_eb, larva, flywire_neuropil, malecns, banc, celegans, my_matrix"


def ending_lines(root: Path, manifest: dict[str, Any]) -> Iterator[str]:
    """Draw the figures and write the report of a results folder; yield the sentences of result and where the report is.

    Nothing is drawn as long as runs of the plan are missing, such as those of another share. A failure to draw is one
    line, as the results do not depend on it.
    """
    missing = _missing(root, manifest)
    if missing:
        yield f"Report: it is written once the other {missing} runs have ended"
        return
    try:
        sentences = _sentences(root)
        path, problem = _draw(root)
    except Exception as error:
        sentences, path, problem = [], None, f"{type(error).__name__}: {' '.join(str(error).split())}"
    yield from sentences
    yield f"Report: {path}" if path else f"Note: there is no report, as drawing ended with {problem}"


def own_network_lines(manifest: dict[str, Any]) -> Iterator[str]:
    """Yield two lines on how to use a measured network, where all runs are of a built-in synthetic region."""
    records = [entry.get("connectome") or {} for entry in manifest["combos"]]
    are_built_in = [record.get("synthetic") and record.get("name") and record.get("source") not in DESCRIBED
                    for record in records]  # fmt: skip
    if not are_built_in or not all(are_built_in):
        return
    names = " and ".join(dict.fromkeys(str(record["name"]) for record in records))
    fetch = command_line("randomnet", "--fetch", "hemibrain", "--to", "data")
    yield (f"{names} {'are' if ' and ' in names else 'is'} synthetic here. For your region set path_to_network and roi "
           "at the top of the INI; every other line may stay.")  # fmt: skip
    yield f"To get a public connectome: {fetch}. Templates in config/: {TEMPLATES}."


def _missing(root: Path, manifest: dict[str, Any]) -> int:
    """Return how many planned runs have not ended."""
    folder = ResultsFolder(root)
    runs = [folder.run(entry["combo"], iteration) for entry in manifest["combos"]
            for iteration in range(manifest["iterations"])]  # fmt: skip
    return sum(run.status == MISSING for run in runs)


def _sentences(root: Path) -> list[str]:
    """Return the result in sentences."""
    with loading():  # matplotlib is slow to load
        from randomnet.command_line import figures

    study, figure_set = figures.read_study([root], [root.name])
    return figures.result_sentences.sentences(study, figure_set)


def _draw(root: Path) -> tuple[Path | None, str]:
    """Draw everything that the visualiser draws of one folder; return the report's path, or None and the problem."""
    from randomnet.command_line import figures

    folder, words = root / FOLDER, io.StringIO()
    with contextlib.redirect_stdout(words), contextlib.redirect_stderr(words):
        code = figures.main(["--results_folders", path_argument(root), "--save_figs", path_argument(folder)])
    path = folder / figures.REPORT
    if code == 0 and path.exists():
        return path, ""
    last_line = words.getvalue().strip().splitlines()[-1:] or [f"exit code {code}"]
    return None, last_line[0]
