"""Packages that add to the registries by their entry points, and files that do, by an environment variable."""

import os
import sys
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from randomnet.settings.values import ConfigError

ROWS, FIGURES = "randomnet.plugins", "randomnet.figures"
FILES = "RANDOMNET_PLUGINS"  # paths of Python files, as PATH has them
_loaded: list[tuple[str, str]] = []
_failures: list[str] = []


def load_plugins(group: str = ROWS) -> None:
    """Load each entry point of a group once, so that its package adds rows to the registries.

    An entry point is a module, which adds rows when it is imported, or a function without arguments. What fails to load
    is told by `check_plugins`. The files that RANDOMNET_PLUGINS names are imported with the group of rows.
    """
    installed = sorted(entry_points(group=group), key=lambda entry: entry.name)
    for entry in [*installed, *(_files() if group == ROWS else ())]:
        if (group, entry.name) not in _loaded:
            _loaded.append((group, entry.name))
            _load(entry)


def _files() -> list[EntryPoint]:
    """The files of RANDOMNET_PLUGINS as entry points, with their folders on the path of imports."""
    entries = []
    for text in filter(None, os.environ.get(FILES, "").split(os.pathsep)):
        path = Path(text).expanduser().resolve()
        if path.suffix == ".py" and path.is_file():
            sys.path.append(str(path.parent))
            entries.append(EntryPoint(str(path), path.stem, ROWS))
        else:
            _failures.append(f"{FILES}: expected paths of Python files (.py), got {text!r}")
    return entries


def check_plugins() -> None:
    """ConfigError that names the first plugin which could not be loaded."""
    if _failures:
        raise ConfigError(_failures[0])


def _load(entry: EntryPoint) -> None:
    try:
        plugin = entry.load()
        if callable(plugin):
            plugin()
    except (Exception, SystemExit) as error:  # also a script that ends the process
        reason = f"{type(error).__name__}: {error}"
        _failures.append(f"plugin {entry.name} ({entry.value}): expected it to load, got {reason}")
