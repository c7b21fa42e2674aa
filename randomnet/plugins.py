"""Packages that add to the registries, by their entry points."""

from importlib.metadata import EntryPoint, entry_points

from randomnet.settings.values import ConfigError

ROWS, FIGURES = "randomnet.plugins", "randomnet.figures"
_loaded: list[tuple[str, str]] = []
_failures: list[str] = []


def load_plugins(group: str = ROWS) -> None:
    """Load each entry point of a group once, so that its package adds rows to the registries.

    An entry point is a module, which adds rows when it is imported, or a function without arguments. What fails to load
    is told by `check_plugins`.
    """
    for entry in sorted(entry_points(group=group), key=lambda entry: entry.name):
        if (group, entry.name) not in _loaded:
            _loaded.append((group, entry.name))
            _load(entry)


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
