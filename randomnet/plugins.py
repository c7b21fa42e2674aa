"""Packages that add to the registries: those with an entry point in the group `randomnet.plugins`."""

from importlib.metadata import entry_points

GROUP = "randomnet.plugins"
_loaded: list[str] = []


def load_plugins() -> list[str]:
    """Load each plugin once, so that it adds its rows to the registries; the names of all that are loaded.

    A plugin is a module of an installed package, which adds rows when it is imported, or a function without arguments.
    """
    if not _loaded:
        for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
            _loaded.append(entry.name)
            plugin = entry.load()
            if callable(plugin):
                plugin()
    return list(_loaded)
