"""Connectome -> one file that other programs read too: .npz, .parquet, .csv or .graphml, by the name's ending.

    .npz       scipy's sparse csr matrix, a row for each presynaptic neuron, with `names` and an array for each label
    .parquet   a table of edges (pre, post, weight); the neurons are in the metadata of its schema
    .csv       the same table; the neurons are in NAME_neurons.csv, and the rest in NAME_about.json
    .graphml   a directed graph with the weights of edges, and labels and positions of nodes

Each holds `ABOUT`, a JSON text with the name, the checksum and the provenance of the network. `formats.saved` reads all
of them back to the same network. Weights are final: signed, and normalized where the provenance says so.
"""

import csv
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from randomnet.connectome.record import Connectome

ABOUT = "randomnet"  # the array, key or attribute that holds the JSON text
LAYOUT = 1  # of the files; raised where an older reader would misread them
AXES = ("x", "y", "z")
STATES = ("drive", "initial")
RESERVED = frozenset({ABOUT, "format", "shape", "data", "indices", "indptr", "names", "positions", "file",
                      "allow_pickle", "id", "ids", "pre", "post", "weight", *AXES, *STATES})  # fmt: skip
MEANING = (
    "weights are final: signed, and normalized where the provenance says so; RandomNet reads this file without a "
    "further sign policy or normalization"
)
XML_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
"""
FORBIDDEN = {*range(32)} - {9, 10, 13} | {0xFFFE, 0xFFFF}  # characters that XML cannot hold

Writer = Callable[[Connectome, dict[str, Any], list[IO[bytes]]], None]


def save(connectome: Connectome, path: str | Path) -> tuple[Path, ...]:
    """The paths of the files that are written, of which `path` is the first; its ending chooses the format.

    Existing files are never overwritten. Raises ValueError for an unknown ending, and for names that are not different
    or that the format cannot hold; FileExistsError and other OSErrors; ImportError where .parquet lacks pyarrow.
    """
    path = Path(path)
    paths = files_of(path)
    write = WRITERS[path.suffix.lower()]
    names, counts = np.unique(connectome.names, return_counts=True)
    if (counts > 1).any():
        raise ValueError(f"{path}: expected neurons of different names, got {str(names[counts > 1][0])!r} twice")
    with _new_files(paths) as files:
        write(connectome, about(connectome), files)
    return paths


def files_of(path: Path) -> tuple[Path, ...]:
    """The files that `save` would write. Raises ValueError for an unknown ending, FileExistsError for files there."""
    ending = path.suffix.lower()
    if ending not in WRITERS:
        raise ValueError(f"{path}: expected a name that ends in {', '.join(WRITERS)}, got {ending or 'none of these'}")
    paths = (path, *beside_csv(path)) if ending == ".csv" else (path,)
    for target in paths:
        if target.exists() or target.is_symlink():
            raise FileExistsError(f"{target}: expected a new file, got one that is there already")
    return paths


def beside_csv(path: Path) -> tuple[Path, Path]:
    """The table of neurons and the JSON file beside a saved .csv."""
    return path.with_name(f"{path.stem}_neurons.csv"), path.with_name(f"{path.stem}_about.json")


def about(connectome: Connectome) -> dict[str, Any]:
    """What a file says of its network besides edges and neurons, in values of JSON."""
    return {
        "layout": LAYOUT,
        "name": connectome.name,
        "sha256": connectome.sha256(),
        "weights": MEANING,
        "rows": "source (a row of a matrix is a presynaptic neuron)",
        "labels": _label_columns(connectome.labels),
        "provenance": dict(connectome.provenance),
    }


def _label_columns(kinds: Iterable[str]) -> dict[str, str]:
    """Kind of label -> the name of its array, column or attribute, which differs from all other names."""
    columns: dict[str, str] = {}
    for kind in kinds:
        column = f"label_{kind}" if kind in RESERVED else kind
        while column in columns.values():
            column += "_"
        columns[kind] = column
    return columns


def as_json(content: Any) -> str:
    """The value as JSON on one line; arrays as lists, and other objects as texts."""
    return json.dumps(content, default=lambda value: value.tolist() if hasattr(value, "tolist") else str(value))


# ---- the four formats


def _npz(connectome: Connectome, description: dict[str, Any], files: list[IO[bytes]]) -> None:
    order = np.lexsort((connectome.post, connectome.pre))
    n = connectome.n
    arrays: dict[str, np.ndarray] = {
        "format": np.array("csr"),
        "shape": np.array([n, n]),
        "data": connectome.weights[order],
        "indices": connectome.post[order],
        "indptr": np.concatenate([[0], np.cumsum(np.bincount(connectome.pre, minlength=n))]).astype(np.int64),
        "names": connectome.names,
        ABOUT: np.array(as_json(description)),
    }
    arrays |= {description["labels"][kind]: texts for kind, texts in connectome.labels.items()}
    arrays |= {name: values for name in ("positions", *STATES) if (values := getattr(connectome, name)) is not None}
    np.savez_compressed(files[0], **arrays)  # type: ignore[arg-type]


def _parquet(connectome: Connectome, description: dict[str, Any], files: list[IO[bytes]]) -> None:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise ImportError('expected pyarrow to write .parquet, got none installed: pip install "pyarrow"') from None
    dictionary = pa.array(connectome.names.tolist(), pa.string())
    ends = (pa.DictionaryArray.from_arrays(pa.array(index), dictionary) for index in (connectome.pre, connectome.post))
    table = pa.table([*ends, pa.array(connectome.weights)], ["pre", "post", "weight"])
    document = as_json({**description, "neurons": _columns(connectome, description)})
    parquet.write_table(table.replace_schema_metadata({ABOUT: document}), files[0])


def _csv(connectome: Connectome, description: dict[str, Any], files: list[IO[bytes]]) -> None:
    names = connectome.names.tolist()
    columns = _columns(connectome, description)
    ends = ((names[index] for index in indices.tolist()) for indices in (connectome.pre, connectome.post))
    _write_table(files[0], ["pre", "post", "weight"], zip(*ends, connectome.weights.tolist(), strict=True))
    _write_table(files[1], list(columns), zip(*columns.values(), strict=True))
    files[2].write(as_json({ABOUT: description}).encode())


def _write_table(file: IO[bytes], header: list[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """Write a CSV; numbers with the digits that give the same number again, and nothing for None."""
    text = _Text(file)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)


def _graphml(connectome: Connectome, description: dict[str, Any], files: list[IO[bytes]]) -> None:
    text = _Text(files[0])
    columns = _columns(connectome, description)
    names = [_xml_attribute(name) for name in columns.pop("id")]
    numeric = {*AXES, *STATES}
    text.write(XML_HEAD + f'<key id="{ABOUT}" for="graph" attr.name="{ABOUT}" attr.type="string"/>\n')
    for number, name in enumerate(columns):
        kind = "double" if name in numeric else "string"
        text.write(f'<key id="n{number}" for="node" attr.name={_xml_attribute(name)} attr.type="{kind}"/>\n')
    text.write('<key id="weight" for="edge" attr.name="weight" attr.type="double"/>\n')
    text.write(f'<graph edgedefault="directed">\n<data key="{ABOUT}">{_xml_text(as_json(description))}</data>\n')
    for index, name in enumerate(names):
        values = [(number, column[index]) for number, column in enumerate(columns.values())]
        data = "".join(f'<data key="n{number}">{_xml_text(str(value))}</data>' for number, value in values
                       if value is not None)  # fmt: skip
        text.write(f"<node id={name}>{data}</node>\n")
    edges = zip(connectome.pre.tolist(), connectome.post.tolist(), connectome.weights.tolist(), strict=True)
    for pre, post, weight in edges:
        text.write(f'<edge source={names[pre]} target={names[post]}><data key="weight">{weight!r}</data></edge>\n')
    text.write("</graph>\n</graphml>\n")


WRITERS: dict[str, Writer] = {".npz": _npz, ".parquet": _parquet, ".csv": _csv, ".graphml": _graphml}


def _columns(connectome: Connectome, description: dict[str, Any]) -> dict[str, list[Any]]:
    """The columns of a table of neurons: id, labels, x, y, z, drive and initial; None for an unknown number."""
    columns: dict[str, list[Any]] = {"id": connectome.names.tolist()}
    columns |= {description["labels"][kind]: texts.tolist() for kind, texts in connectome.labels.items()}
    positions = connectome.positions
    numbers = {} if positions is None else dict(zip(AXES, positions.T, strict=True))
    numbers |= {name: values for name in STATES if (values := getattr(connectome, name)) is not None}
    for name, values in numbers.items():
        columns[name] = [None if value != value else value for value in values.tolist()]
    return columns


def _xml_text(text: str) -> str:
    if any(ord(character) in FORBIDDEN for character in text):
        raise ValueError(f"expected texts without control characters, which XML cannot hold, got {text[:40]!r}")
    return escape(text, {"\r": "&#13;"})


def _xml_attribute(text: str) -> str:
    _xml_text(text)
    return quoteattr(text)


# ---- new files


class _Text:
    """A text file, UTF-8, on a binary one that stays open."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file

    def write(self, text: str) -> int:
        """Write a text."""
        return self.file.write(text.encode())


@contextmanager
def _new_files(paths: tuple[Path, ...]) -> Iterator[list[IO[bytes]]]:
    """Binary files that appear under these paths once all are whole; none of them where an error occurs."""
    temporary = [path.with_name(f".{path.name}-{os.getpid()}") for path in paths]
    try:
        with ExitStack() as stack:
            files: list[IO[bytes]] = [stack.enter_context(open(path, "xb")) for path in temporary]
            yield files
            for file in files:
                file.flush()
                os.fsync(file.fileno())
        files_of(paths[0])  # which may have appeared meanwhile
        for whole, path in zip(temporary, paths, strict=True):
            os.replace(whole, path)
    finally:
        for path in temporary:
            path.unlink(missing_ok=True)
