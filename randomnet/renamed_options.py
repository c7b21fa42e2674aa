"""Options that have another name, or stand in another section, than in earlier versions.

An INI, `--set` and a grid may use the earlier name. Manifests and histories with earlier names are read as if they had
today's.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

RENAMED = {  # `section.key` of earlier versions -> today's
    "model.states": "model.hidden_size",
    "model.hidden_layers": "model.mlp_layers",
    "model.hidden_units": "model.mlp_units",
    "inference.model": "inference.architecture",
    "inference.latent": "inference.hidden_size",
    "inference.node_layers": "inference.mlp_layers",
    "inference.node_width": "inference.mlp_units",
    "inference.weight_decay": "trainvalidate.weight_decay",
    "inference.eps": "trainvalidate.eps",
    "inference.plateau_factor": "trainvalidate.plateau_factor",
    "inference.plateau_patience": "trainvalidate.plateau_patience",
    "inference.plateau_lr": "trainvalidate.plateau_lr",
    "trainvalidate.noise": "trainvalidate.state_noise",
    "trialparams.dynamic_noise": "trialparams.resampled_input_noise",
    "dynamics.noise_sd": "dynamics.ou_noise",
    "comparing.point_noise": "comparing.start_noise",
}


def current_manifest(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest with today's names of options in its settings, in the values of its combos and in its axes."""
    combos = manifest.get("combos")
    if not isinstance(combos, list) or not all(isinstance(combo, dict) for combo in combos):
        return dict(manifest)
    earlier = manifest.get("earlier_combos") or []
    written = {name for combo in (*combos, *earlier) for name in combo.get("settings", {})}
    if not written & RENAMED.keys():
        return dict(manifest)
    return {
        **manifest,
        "varied": [current_axis(axis, written) for axis in manifest.get("varied", ())],
        "combos": [_current_combo(combo, written) for combo in combos],
        **({"earlier_combos": [_current_combo(combo, written) for combo in earlier]} if earlier else {}),
    }


def current_axis(axis: str, written: Collection[str] = tuple(RENAMED)) -> str:
    """Today's name of a grid's axis, such as `latent` or `noise_sd.E`; written: the settings' names beside it."""
    key, dot, entry = axis.partition(".")
    if axis in written:
        return axis
    names = [new for old, new in RENAMED.items() if old in written and _key(old) == key]
    return f"{_key(names[0])}{dot}{entry}" if names else axis


def current_option(name: str) -> str:
    """Today's name of an option that is given by its key or as `section.key`."""
    return RENAMED.get(name) or current_axis(name)


def earlier_columns(columns: Iterable[str], axes: Collection[str]) -> dict[str, str]:
    """Column -> axis, for columns of a history that have the earlier name of one of its axes."""
    renamed = {column: current_axis(column) for column in columns if column not in axes}
    return {column: axis for column, axis in renamed.items() if axis in axes}


def _current_combo(combo: Mapping[str, Any], written: Collection[str]) -> dict[str, Any]:
    settings = {RENAMED.get(name, name): value for name, value in combo.get("settings", {}).items()}
    values = {current_axis(axis, written): value for axis, value in combo.get("values", {}).items()}
    return {**combo, "values": values, "settings": settings}


def _key(name: str) -> str:
    return name.rpartition(".")[2]
