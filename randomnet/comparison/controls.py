"""Networks and their controls, such as null models, in one or several results folders.

families         each network with its controls
option_values    canonical values of a combo's options; values_text: as text
runs_of_combos   the runs of some combos
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pandas as pd

from randomnet.comparison.study import ABSENT, ALL, REFERENCE_VALUES, TECHNICAL_SECTIONS, Combo, Study, canonical


class Family(NamedTuple):
    """A network and its controls, each of which differs from it in one option of REFERENCE_VALUES.

    option: the first of these options. network: its combos, all in one folder. controls: the combos of each control, by
    its name. rest: the other options that any of their folders varies.
    """

    option: str
    network: list[Combo]
    controls: dict[str, list[Combo]]
    rest: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name of the network in comparisons: its value of the option, or its folder if all controls are elsewhere."""
        controls = (combo for combos in self.controls.values() for combo in combos)
        are_elsewhere = all(combo.label != self.network[0].label for combo in controls)
        return self.network[0].label if are_elsewhere else f"{self.option}={self.network[0].get(self.option)}"

    @property
    def combos(self) -> list[Combo]:
        """All combos, those of the network first."""
        return [*self.network, *(combo for combos in self.controls.values() for combo in combos)]


def option_values(combo: Combo, options: Sequence[str]) -> tuple[Any, ...]:
    """Canonical values of these options, by which combos can be compared."""
    return tuple(canonical(combo.get(option)) for option in options)


def values_text(combo: Combo, options: Sequence[str]) -> str:
    """The options' values, gridded or not, as in tables and file names; ALL without options."""
    return ", ".join(f"{option}={combo.get(option)}" for option in options) or ALL


def runs_of_combos(runs: pd.DataFrame, combos: Sequence[Combo]) -> pd.DataFrame:
    """The rows of a table of runs that belong to these combos."""
    keys = {(combo.label, combo.number) for combo in combos}
    return runs[[key in keys for key in zip(runs["label"], runs["number"], strict=True)]]


def families(study: Study) -> Iterator[Family]:
    """Each folder's network with its controls, by their values of the options of REFERENCE_VALUES.

    Controls are in the same folder, or in a folder without a network of its own. The latter must agree with the network
    in all other settings and in the connectome's files.
    """
    for combos in _by_label(study.combos).values():
        network = sorted(filter(is_network, combos), key=_number)
        controls: dict[str, list[Combo]] = {}
        for name in REFERENCE_VALUES if network else ():
            controls |= _controls_in_folder(combos, name) | _controls_elsewhere(study, network, name)
        if controls:
            members = [*network, *(combo for some in controls.values() for combo in some)]
            varied = [other for combo in members for other in combo.values]
            references = [name for name in varied if name.split(".")[-1] in REFERENCE_VALUES]
            option = next(iter([*references, *REFERENCE_VALUES]))
            rest = dict.fromkeys(name for name in varied if name not in references)
            yield Family(option, network, controls, tuple(rest))


def is_network(combo: Combo) -> bool:
    """Whether it has the reference value of every option of REFERENCE_VALUES."""
    values = [(combo.get(name), reference) for name, reference in REFERENCE_VALUES.items()]
    are_reference = [canonical(value) == canonical(reference) for value, reference in values if value is not ABSENT]
    return bool(are_reference) and all(are_reference)


def is_control(combo: Combo, name: str) -> bool:
    """Whether it differs from a network in this option of REFERENCE_VALUES only."""
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


def _controls_in_folder(combos: Sequence[Combo], name: str) -> dict[str, list[Combo]]:
    """The controls in the network's folder, by their value of the option."""
    sets: dict[str, list[Combo]] = {}
    for combo in sorted((combo for combo in combos if is_control(combo, name)), key=_number):
        option = next((option for option in combo.values if option.split(".")[-1] == name), name)
        sets.setdefault(f"{option}={combo.get(name)}", []).append(combo)
    return sets


def _controls_elsewhere(study: Study, network: Sequence[Combo], name: str) -> dict[str, list[Combo]]:
    """The controls in folders without a network of their own, by folder and value of the option."""
    sets: dict[str, list[Combo]] = {}
    for label, combos in _by_label(study.combos).items():
        controls = [] if any(map(is_network, combos)) else [combo for combo in combos if is_control(combo, name)]
        values = {canonical(combo.get(name)) for combo in controls}
        for combo in sorted(controls, key=_number):
            if any(_match(combo, reference, name) for reference in network):
                text = _elsewhere_text(label, str(combo.get(name)), f"{name}={combo.get(name)}", len(values))
                sets.setdefault(text, []).append(combo)
    return sets


def _elsewhere_text(label: str, value: str, text: str, values: int) -> str:
    """The folder's label, followed by the option's value unless the label contains it."""
    return label if values == 1 and value.casefold() in label.casefold() else f"{label}, {text}"


def _match(control: Combo, network: Combo, name: str) -> bool:
    """Whether two combos agree in the connectome's files, and in all settings they both record except this option."""
    common = [option for option in control.settings if option in network.settings
            and not option.startswith(TECHNICAL_SECTIONS) and option.split(".")[-1] != name]  # fmt: skip
    return (
        bool(common)
        and _connectome_source(control) == _connectome_source(network)
        and all(canonical(control.settings[option]) == canonical(network.settings[option]) for option in common)
    )


def _connectome_source(combo: Combo) -> Any:
    """The connectome of a combo: checksums of its files, or its name."""
    return combo.record.get("files") or combo.record.get("name")
