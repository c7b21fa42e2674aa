"""Where the stages after a training find what they go on from."""

from dataclasses import dataclass

from randomnet.config.option import COMPARE, FIT, RECORD, Section, option
from randomnet.config.values import Integer, Value


@dataclass(frozen=True)
class SourceSection(Section):
    """[source] The results of an earlier stage: of train for kind = record, of record for fit, of fit for compare."""

    read_by = (*RECORD, *FIT, *COMPARE)

    folder: str = option(
        Value(),
        "",
        "Its results folder; of kind = fit also a file of recordings (.npz, .h5), of compare one or more, by commas.",
    )
    combo: int | str = option(
        Integer(0, words=("same",)),
        "same",
        "Which combo of it; same: the one that has this run's values of all options that its grid varies.",
        kinds=(*RECORD, *FIT),
    )
    iteration: int | str = option(
        Integer(0, words=("same",)),
        "same",
        "Which iteration of it; same: the run's own, or the only one, from which then all iterations start.",
        kinds=(*RECORD, *FIT),
    )
