"""How a command was called, so that help names it and printed commands can be pasted into the same shell."""

import os
import shlex
import site
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]  # a clone, or where packages are installed
SCRIPTS = {"randomnet": "runrandomnet.py", "randomnet-figures": "visualization.py"}  # in a clone, by installed command
LONGEST_LABEL = 200  # characters of a label of results; a legend repeats them


def templates() -> Path | None:
    """The folder of templates, of the clone or where pip put them; None where there is none."""
    installed = [Path(base) / "share" / "randomnet" / "config" for base in (sys.prefix, site.getuserbase())]
    places = [ROOT / "config", *installed] if (ROOT / SCRIPTS["randomnet"]).is_file() else installed
    return next((place for place in places if place.is_dir()), None)


def is_installed_command() -> bool:
    """Whether this process was started as an installed command, or has no scripts beside its package."""
    # `randomnet.exe` and `randomnet-script.py` are Windows' names of the installed command.
    stem = Path(sys.argv[0]).stem.removesuffix("-script").lower() if sys.argv else ""
    return stem in SCRIPTS or not (ROOT / SCRIPTS["randomnet"]).is_file()


def name_of(command: str) -> str:
    """The name in help texts and errors: `randomnet`, or `runrandomnet.py` in a clone."""
    return command if is_installed_command() else SCRIPTS[command]


def command_line(command: str, *arguments: str) -> str:
    """A command line that can be pasted into a shell, in the current folder."""
    join = subprocess.list2cmdline if os.name == "nt" else shlex.join
    if is_installed_command():
        return join([command, *arguments])
    script, here = ROOT / SCRIPTS[command], Path.cwd()
    path = script.relative_to(here) if script.is_relative_to(here) else script
    return join(["python", str(path), *arguments])


def path_argument(path: Path) -> str:
    """A path as an argument, which does not begin as an option does."""
    text = str(path)
    return f".{os.sep}{text}" if text.startswith("-") else text


def label_of(name: str) -> str:
    """The name of an experiment as a word of --results_labels: no option, printable, and short enough for a legend."""
    text = "".join(character for character in "_".join(name.split()) if character.isprintable())
    return text.lstrip("-")[:LONGEST_LABEL] or "results"
