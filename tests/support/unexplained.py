"""Columns of written tables that nobody explains."""

from pathlib import Path

import pandas as pd

from randomnet.results.columns import explained
from randomnet.schema.config import SCHEMA

OPTIONS = {name for section, key in SCHEMA.options for name in (key, f"{section}.{key}")}  # gridded ones are columns
OF_BLOCKS = ("couplings.",)  # whose options have names of the user's


def unexplained(*folders: Path) -> set[tuple[str, str]]:
    """(file, column) of every .csv below the folders whose column is neither an option nor explained."""
    tables = [(path.name, pd.read_csv(path, nrows=0)) for folder in folders for path in folder.rglob("*.csv")]
    assert tables, f"expected tables in {folders}, got none"
    return {(name, column) for name, table in tables for column in table
            if not (column in OPTIONS or column.startswith(OF_BLOCKS) or explained(column))}  # fmt: skip
