"""The command that makes the results that an experiment goes on from, where they are missing and a template does."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from randomnet.command_line.program import command_line, templates
from randomnet.schema.config import SCHEMA
from randomnet.schema.plan import Plan
from randomnet.settings import ConfigError
from randomnet.settings.reading import read_texts
from randomnet.settings.schema import value_of

RESULTS = ("paths", "path_to_results")


@contextmanager
def told_how_to_make_them(plan: Plan) -> Iterator[None]:
    """Let a ConfigError say the command that makes the first results that are missing."""
    try:
        yield
    except ConfigError as error:
        template = next(filter(None, map(template_of, _missing(plan))), None)
        if template is None:
            raise
        command = command_line("randomnet", str(_from_here(template)))
        raise ConfigError(f"{error}; to make it: {command}") from None


def _missing(plan: Plan) -> Iterator[str]:
    """The paths of earlier results that the runs read and that are not there."""
    keys = [key for key, option in SCHEMA.options.items() if option.value.results]
    for config in (combo.config for combo in plan.combos):
        for text in (value_of(config, key) for key in keys if SCHEMA.is_read(key, config)):
            for path in [text, *(part.strip() for part in text.split(","))]:
                if path and not os.path.exists(os.path.expanduser(path)):
                    yield path


def template_of(path: str) -> Path | None:
    """The template whose results folder the path is, or is in; None where none is."""
    folder, wanted = templates(), os.path.normpath(path)
    for template in sorted(folder.glob("*.ini")) if folder else []:
        try:
            written = read_texts(SCHEMA, template).get(RESULTS)
        except ConfigError:  # somebody's own INI beside the templates
            continue
        if written and f"{wanted}{os.sep}".startswith(f"{os.path.normpath(written.text)}{os.sep}"):
            return template
    return None


def _from_here(path: Path) -> Path:
    """The path as seen from the current folder, where it is below it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
