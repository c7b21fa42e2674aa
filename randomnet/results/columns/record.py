"""A column and what it means; a table and its columns; the endings that columns share."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """name: `*` in it stands for any text, such as the name of a group. says: one sentence. unit: empty for none."""

    name: str
    says: str
    unit: str = ""


@dataclass(frozen=True)
class Table:
    """files: the names of the file; of: which kinds write these columns, in words."""

    files: str
    of: str
    columns: tuple[Column, ...]


# What an ending adds to the meaning of the column without it; the longest endings come first.
ENDINGS = {
    "_initial_stderr": "Standard error of {column} for the untrained network. {says}",
    "_final_stderr": "Standard error of {column} for the network after the last update. {says}",
    "_best_stderr": "Standard error of {column} for the network at the lowest loss. {says}",
    "_stderr": "Standard error of {column}. {says}",
    "_initial": "Value of {column} for the untrained network. {says}",
    "_final": "Value of {column} for the network after the last update. {says}",
    "_best": "Value of {column} for the network at the lowest loss, or the best of all epochs. {says}",
    "_between": "Standard deviation of {column} between the initial states of one network. {says}",
    "_within": "Root mean square error of {column} of one trajectory, of several initial states. {says}",
    "_low": "Lower end of the range of {column} that the errors of the exponents allow. {says}",
    "_high": "Upper end of the range of {column} that the errors of the exponents allow. {says}",
}
