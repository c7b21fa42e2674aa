"""A column and its meaning; a table and its columns; the suffixes that columns share."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """name: `*` stands for any text, such as the name of a group. meaning: one sentence. unit: empty for none."""

    name: str
    meaning: str
    unit: str = ""


@dataclass(frozen=True)
class Table:
    """file: name of the file. scope: the kinds that write these columns, and what a row is, in words."""

    file: str
    scope: str
    columns: tuple[Column, ...]


# What a suffix adds to the meaning of the column without it; the longest suffixes come first.
ENDINGS = {
    "_initial_stderr": "Standard error of {column} for the untrained network. {meaning}",
    "_final_stderr": "Standard error of {column} for the network after the last update. {meaning}",
    "_best_stderr": "Standard error of {column} for the network at the lowest loss. {meaning}",
    "_stderr": "Standard error of {column}. {meaning}",
    "_initial": "Value of {column} for the untrained network. {meaning}",
    "_final": "Value of {column} for the network after the last update. {meaning}",
    "_best": "Value of {column} for the network at the lowest loss, or the best of all epochs. {meaning}",
    "_between": "Standard deviation of {column} between the initial states of one network. {meaning}",
    "_within": "Root mean square standard error of {column} of one trajectory, over the initial states. {meaning}",
    "_low": "Lower end of the range of {column} within the errors of the exponents. {meaning}",
    "_high": "Upper end of the range of {column} within the errors of the exponents. {meaning}",
}
