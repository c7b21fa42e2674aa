"""Which combos are controls of which network: its null models, of one results folder or of several.

    families   each network with its controls
    runs_of_combos    the runs of some combos
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pandas as pd

from randomnet.comparison.study import ABSENT, ALL, ASIDE, REFERENCE_VALUES, Combo, Study, canonical


class Family(NamedTuple):
    """A network and its controls, each of which differs from it in one option of REFERENCE_VALUES.

    option: the first of these options.

    network: its combos, all of one folder. controls: the combos of each control, by its text. rest: the other options
    that any of their folders varies.
    """

    option: str
    network: list[Combo]
    controls: dict[str, list[Combo]]
    rest: tuple[str, ...]

    @property
    def name(self) -> str:
        """What the network is called beside its controls: its value of the option, or its folder."""
        lent = all(combo.label != self.network[0].label for some in self.controls.values() for combo in some)
        return self.network[0].label if lent else f"{self.option}={self.network[0].get(self.option)}"

    @property
    def combos(self) -> list[Combo]:
        """The network's first."""
        return [*self.network, *(combo for some in self.controls.values() for combo in some)]


def option_values(combo: Combo, options: Sequence[str]) -> tuple[Any, ...]:
    """What two combos must agree in to have the same values of these options."""
    return tuple(canonical(combo.get(option)) for option in options)


def values_text(combo: Combo, options: Sequence[str]) -> str:
    """The options' values, gridded or not, as in the table and in file names; ALL where there are no options."""
    return ", ".join(f"{option}={combo.get(option)}" for option in options) or ALL


def runs_of_combos(runs: pd.DataFrame, combos: Sequence[Combo]) -> pd.DataFrame:
    """The rows of the study's runs that are of these combos."""
    keys = {(combo.label, combo.number) for combo in combos}
    return runs[[key in keys for key in zip(runs["label"], runs["number"], strict=True)]]


def families(study: Study) -> Iterator[Family]:
    """Each folder's network with its controls, by their values of the options of REFERENCE_VALUES.

    Controls are those of the same folder, and those of folders without a network of their own that agree with it in
    all other settings and in the connectome's files.
    """
    for combos in _by_label(study.combos).values():
        network = sorted(filter(_is_network, combos), key=_number)
        controls: dict[str, list[Combo]] = {}
        for name in REFERENCE_VALUES if network else ():
            controls |= _own(combos, name) | _lent(study, network, name)
        if controls:
            every = [*network, *(combo for some in controls.values() for combo in some)]
            varied = [other for combo in every for other in combo.values]
            references = [name for name in varied if name.split(".")[-1] in REFERENCE_VALUES]
            option = next(iter([*references, *REFERENCE_VALUES]))
            rest = dict.fromkeys(name for name in varied if name not in references)
            yield Family(option, network, controls, tuple(rest))


def _is_network(combo: Combo) -> bool:
    """Whether none of the options of REFERENCE_VALUES makes it a control."""
    values = [(combo.get(name), reference) for name, reference in REFERENCE_VALUES.items()]
    known = [canonical(value) == canonical(reference) for value, reference in values if value is not ABSENT]
    return bool(known) and all(known)


def _is_control(combo: Combo, name: str) -> bool:
    """Whether this option of REFERENCE_VALUES makes it a control, and no other one does."""
    differing = [other for other, reference in REFERENCE_VALUES.items()
                 if (value := combo.get(other)) is not ABSENT and canonical(value) != canonical(reference)]  # fmt: skip
    return differing == [name]


def _number(combo: Combo) -> int:
    return combo.number


def _by_label(combos: Sequence[Combo]) -> dict[str, list[Combo]]:
    sets: dict[str, list[Combo]] = {}
    for combo in combos:
        sets.setdefault(combo.label, []).append(combo)
    return sets


def _own(combos: Sequence[Combo], name: str) -> dict[str, list[Combo]]:
    """The controls of the network's folder."""
    sets: dict[str, list[Combo]] = {}
    for combo in sorted((combo for combo in combos if _is_control(combo, name)), key=_number):
        option = next((option for option in combo.values if option.split(".")[-1] == name), name)
        sets.setdefault(f"{option}={combo.get(name)}", []).append(combo)
    return sets


def _lent(study: Study, network: Sequence[Combo], name: str) -> dict[str, list[Combo]]:
    """The controls in folders without a network of their own, by these folders and their values of the option."""
    sets: dict[str, list[Combo]] = {}
    for label, combos in _by_label(study.combos).items():
        controls = [] if any(map(_is_network, combos)) else [combo for combo in combos if _is_control(combo, name)]
        values = {canonical(combo.get(name)) for combo in controls}
        for combo in sorted(controls, key=_number):
            if any(_agree(combo, one, name) for one in network):
                text = _lent_text(label, str(combo.get(name)), f"{name}={combo.get(name)}", len(values))
                sets.setdefault(text, []).append(combo)
    return sets


def _lent_text(label: str, value: str, text: str, values: int) -> str:
    """The folder's label, and its option's value where that does not follow from the label."""
    return label if values == 1 and value.casefold() in label.casefold() else f"{label}, {text}"


def _agree(control: Combo, network: Combo, name: str) -> bool:
    """Whether two combos agree in the connectome's files, and in all settings that both record but this option."""
    both = [option for option in control.settings if option in network.settings
            and not option.startswith(ASIDE) and option.split(".")[-1] != name]  # fmt: skip
    return bool(both) and _source(control) == _source(network) and all(
        canonical(control.settings[option]) == canonical(network.settings[option]) for option in both
    )


def _source(combo: Combo) -> Any:
    """Of which connectome a combo is: its files by their checksums, or its name."""
    return combo.record.get("files") or combo.record.get("name")
