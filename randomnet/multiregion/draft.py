"""A network of regions to which regions and connections are added one by one, before its weights are drawn."""

from collections.abc import Mapping
from typing import Any

from randomnet.synthetic.regions import Connection, Description, from_dict

LISTS = ("recurrent_regions", "recurrent_connections", "input_regions", "input_connections")
SIGNS, EFFECTS = {1: "pos", -1: "neg"}, {1: "exc", -1: "inhib"}


class Draft:
    """The regions and connections so far, as entries of a description's lists, with the keys of both dialects."""

    def __init__(self, description: Description | None = None) -> None:
        self.entries: dict[str, list[dict[str, Any]]] = {kind: [] for kind in LISTS}
        if description is not None:
            self._start_from(description)

    def add(self, kind: str, **values: Any) -> None:
        """Add an entry to one of the LISTS, without values of None. Raises ValueError, and then adds nothing."""
        entry = {key: value for key, value in values.items() if value is not None}
        self.entries[kind].append(entry)
        try:
            self._check(kind)
        except ValueError:
            self.entries[kind].pop()
            raise

    def description(self) -> Description:
        """The description so far. Raises ValueError where there is no recurrent region."""
        return from_dict(self.entries, "network", mixed=True)

    def _check(self, kind: str) -> None:
        """Raise ValueError for an entry that a description may not have."""
        if self.entries["recurrent_regions"] or kind != "input_regions":
            self.description()
            return
        other = "".join(str(entry.get("name")) for entry in self.entries[kind]) + "_"  # a name that no input has
        from_dict({**self.entries, "recurrent_regions": [{"name": other, "num_units": 1}]}, "network", mixed=True)

    def _start_from(self, description: Description) -> None:
        for region in description.regions:
            self.entries["recurrent_regions"].append(_present({
                "name": region.name, "num_units": region.units, "base_firing": region.base_firing, "init": region.init,
                "cell_types": dict(region.cell_types) or None, "sign": SIGNS.get(region.sign),
                "parent_region": region.parent, "learnable_bias": region.learnable_bias}))  # fmt: skip
        for source in description.inputs:
            entry = {"name": source.name, "num_units": source.units, "sign": SIGNS.get(source.sign)}
            self.entries["input_regions"].append(_present(entry))
        self.entries["recurrent_connections"] += [_entry("src_region", one) for one in description.connections]
        self.entries["input_connections"] += [_entry("input", one) for one in description.input_connections]


def _entry(source_key: str, connection: Connection) -> dict[str, Any]:
    return _present({
        source_key: connection.source, "dst_region": connection.target,
        "src_region_cell_type": connection.source_type, "dst_region_cell_type": connection.target_type,
        "sign": EFFECTS[connection.sign], "sparsity": connection.sparsity})  # fmt: skip


def _present(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if value is not None}
