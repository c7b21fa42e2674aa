"""A neuPrint server -> Connectome, with neuprint-python, an optional package that is imported only for queries.

The path is `server/dataset`, such as neuprint.janelia.org/hemibrain:v1.2.1. The response to a query is cached as a
folder in the layout of neuPrint's exports, with query.json, and read by `read_hemibrain`. Later runs need neither the
server nor a token. The folder gets its name only when it is complete. The token comes from the environment and is sent
to the server only. Before a query, a line on stderr says of how many neurons it is.
"""

import contextlib
import dataclasses
import hashlib
import importlib.metadata
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tqdm import tqdm

from randomnet.connectome import Connectome
from randomnet.extras import install_line
from randomnet.formats.assembly import DEFAULTS
from randomnet.formats.files import FormatError, checksums, one_line
from randomnet.formats.hemibrain import EDGES, TRANSMITTERS, read_hemibrain
from randomnet.formats.neurons.columns import PROPERTIES
from randomnet.formats.options import Options
from randomnet.formats.record import Format
from randomnet.settings import nearest

TOKEN = "NEUPRINT_APPLICATION_CREDENTIALS"  # as in neuprint-python
CACHE = "RANDOMNET_CACHE"
ADDRESS = re.compile(r"(?:https:/+)?(?P<server>[\w-]+(?:\.[\w-]+)+(?::\d+)?|localhost(?::\d+)?)/(?P<dataset>[^/\s]+)/*")
CRITERIA = {"status": ["Traced", "traced"], "cropped": False}  # the published neurons, as in neuPrint's exports
COLUMNS = ("type", "instance", *TRANSMITTERS)
NOT_NULL = "NotNull"  # stands for neuprint.NotNull: any value
FILES = ("neurons.csv", "roi-connections.csv", "total-connections.csv")
QUERY = "query.json"


@dataclasses.dataclass(frozen=True)
class Known:
    """What is asked of a dataset whose properties are known. criteria: of its neurons; further: columns for labels."""

    criteria: Mapping[str, Any]
    further: tuple[str, ...] = ()


OTHER = Known(CRITERIA)
KNOWN: Mapping[str, Known] = {  # name of a dataset without its version -> what is asked of it
    "hemibrain": OTHER,  # its neurons have neither transmitters nor classes
    "manc": Known(CRITERIA, ("class", "subclass", "hemilineage", "somaSide", "rootSide", "somaNeuromere")),
    "male-cns": Known({"superclass": NOT_NULL}, tuple(name for names in PROPERTIES.values() for name in names)),
}


@dataclasses.dataclass(frozen=True)
class Query:
    """A query for the connections between the neurons of a dataset, in some ROIs or all."""

    server: str
    dataset: str
    rois: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.server}/{self.dataset}"

    def facts(self) -> dict[str, Any]:
        """All that determines the response."""
        criteria = {"neurons": self.known.criteria, "properties": self.columns, "rois": list(self.rois)}
        return {"server": self.server, "dataset": self.dataset, "roi": ", ".join(self.rois) or "all", "query": criteria}

    @property
    def known(self) -> Known:
        """What is asked of the dataset."""
        return KNOWN.get(self.dataset.partition(":")[0], OTHER)

    @property
    def columns(self) -> list[str]:
        """The properties of neurons that are asked for."""
        return [*COLUMNS, *self.known.further]

    @property
    def count(self) -> str:
        """The Cypher that counts the neurons."""
        conditions = [_condition(name, value) for name, value in self.known.criteria.items()]
        conditions += [" OR ".join(f"n.`{roi}`" for roi in self.rois)] if self.rois else []
        return f"MATCH (n:Neuron) WHERE {' AND '.join(f'({each})' for each in conditions)} RETURN count(n) AS neurons"

    @property
    def folder(self) -> Path:
        """The folder of the cached response."""
        cache = Path(os.environ.get(CACHE) or "~/.cache/randomnet").expanduser()
        digest = hashlib.sha256(json.dumps(self.facts(), sort_keys=True).encode()).hexdigest()[:12]
        name = re.sub(r"[^\w.-]", "-", f"{self.server}_{self.dataset}")
        return cache / "neuprint" / f"{name}_{digest}"


def _condition(name: str, value: Any) -> str:
    """The Cypher of one criterion, as neuprint-python has it."""
    if value == NOT_NULL:
        return f"n.{name} IS NOT NULL"
    return f"NOT n.{name} OR n.{name} IS NULL" if value is False else f"n.{name} IN {json.dumps(value)}"


def read_neuprint(path: Path, options: Options = DEFAULTS) -> Connectome:
    """The Connectome of the neurons of a dataset, all or those connected inside `options.roi`.

    Neurons are those with a superclass in male-cns, and the traced ones elsewhere.

    path: `server/dataset`, not a path on disk. Several ROIs must be primary, as others overlap. The server gets a query
    only where the response is not in the cache ($RANDOMNET_CACHE or ~/.cache/randomnet). Labels: see `read_hemibrain`.
    Raises FormatError, never with the token.
    """
    query = _query(path, options)
    options.refuse(query, rows="the columns say which neuron is presynaptic")
    facts = _cached(query) or _download(query)
    connectome = read_hemibrain(query.folder, options)
    return dataclasses.replace(
        connectome,
        name=f"{query.dataset} {options.roi}".strip(),
        provenance={
            **connectome.provenance,
            "source": f"neuPrint, {query}, asked on {facts['date']}",
            "neuprint": {name: facts[name] for name in ("server", "dataset", "roi", "library", "query", "date")},
        },
    )


def _query(path: Path, options: Options) -> Query:
    address = ADDRESS.fullmatch(path.as_posix())
    if address is None:
        actual = repr(path.as_posix())
        raise FormatError(f"expected server/dataset, such as neuprint.janelia.org/hemibrain:v1.2.1, got {actual}")
    return Query(address["server"].lower(), address["dataset"], tuple(sorted(set(options.rois))))


# ---- the cache


def _cached(query: Query) -> dict[str, Any] | None:
    """The content of query.json of a complete cached response; None without one."""
    try:
        facts = json.loads((query.folder / QUERY).read_text(encoding="utf-8"))
        same_query = {name: facts[name] for name in query.facts()} == query.facts()
        is_complete = facts["files"] == checksums(query.folder / name for name in FILES)
        has_origin = all(isinstance(facts[name], str) for name in ("library", "date"))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return facts if is_complete and has_origin and same_query else None


def _download(query: Query) -> dict[str, Any]:
    """Query the server and cache the response; returns the content of query.json. Raises FormatError."""
    folder, temporary = query.folder, None
    try:
        neurons, connections, library = _response(query)
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        facts = _write(temporary, query, neurons, connections, library)
        if folder.exists() and _cached(query) is None:
            shutil.rmtree(folder)  # a damaged response
        temporary.rename(folder)
        return facts
    except OSError as error:
        if facts := _cached(query):
            return facts  # another process has cached the same query meanwhile
        raise FormatError(
            f"{query}: expected a folder {folder.parent} to keep the answer in (set {CACHE} to another), "
            f"got {one_line(error)}"
        ) from None
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def _write(folder: Path, query: Query, neurons: Any, connections: Any, library: str) -> dict[str, Any]:
    """Write the three tables and query.json, and return its content; properties without values are left out."""
    always = ("type", "instance")
    known = [name for name in query.columns if name in always or (name in neurons and neurons[name].notna().any())]
    neurons.reindex(columns=["bodyId", *known]).to_csv(folder / FILES[0], index=False)
    connections[[*EDGES[:2], "roi", EDGES[2]]].to_csv(folder / FILES[1], index=False)
    totals = connections.groupby(list(EDGES[:2]), as_index=False)[EDGES[2]].sum()
    totals.to_csv(folder / FILES[2], index=False)
    date = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    files = checksums(folder / name for name in FILES)
    facts = {**query.facts(), "library": f"neuprint-python {library}", "date": date, "files": files}
    (folder / QUERY).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    return facts


# ---- the server


def _response(query: Query) -> tuple[Any, Any, str]:
    """The tables of neurons and of connections per ROI, and the version of the library. Raises FormatError."""
    try:
        import neuprint
    except ImportError:
        raise FormatError(
            f"{query}: expected neuprint-python to ask the server, got none installed: {install_line('neuprint')}"
        ) from None
    token = os.environ.get(TOKEN, "").strip()
    if not token:
        raise FormatError(
            f"{query}: expected a token in the environment variable {TOKEN} (the server's page shows it under "
            "Account), got none"
        )
    try:
        neurons, connections = _tables(neuprint, query, token)
    except FormatError:
        raise
    except Exception as error:  # RuntimeError, AssertionError of the library, and all errors of requests
        raise FormatError(f"{query}: {_error_text(error, token)}") from None
    if not len(connections):
        raise FormatError(f"{query}: expected a connection in {', '.join(query.rois) or 'the dataset'}, got none")
    return neurons, connections, _version(neuprint)


def _tables(neuprint: Any, query: Query, token: str) -> tuple[Any, Any]:
    client = neuprint.Client(query.server, dataset=query.dataset, token=token)
    primary = set(client.primary_rois)
    _check_rois(query, primary, set(client.all_rois))
    asked = {name: neuprint.NotNull if value == NOT_NULL else value for name, value in query.known.criteria.items()}
    criteria = neuprint.NeuronCriteria(**asked, client=client)
    neurons = f"{number:,} neurons" if (number := _number_of_neurons(client, query)) else "neurons"
    whole = f"neuPrint, {query}: asking for the connections between {neurons}; the answer is kept in {query.folder}"
    tqdm.write(whole, file=sys.stderr)
    return neuprint.fetch_adjacencies(
        criteria,
        criteria,
        rois=list(query.rois) or None,
        include_nonprimary=not set(query.rois) <= primary,
        properties=query.columns,
        client=client,
    )


def _number_of_neurons(client: Any, query: Query) -> int:
    """How many neurons the query is about, in a count that takes the server a moment; 0 where it does not say."""
    with contextlib.suppress(Exception):  # of the library or the server, which the query itself tells better
        return int(client.fetch_custom(query.count).iloc[0, 0])
    return 0


def _check_rois(query: Query, primary: set[str], known: set[str]) -> None:
    """Raise FormatError for a ROI that does not exist, and for several ROIs that may overlap."""
    for roi in query.rois:
        if roi not in known:
            actual = f"{roi!r}; there are {', '.join(sorted(primary))}{nearest(roi, known)}"
            raise FormatError(f"{query}: expected a ROI that exists, got {actual}")
        if len(query.rois) > 1 and roi not in primary:
            listed = ", ".join(sorted(primary))
            raise FormatError(f"{query}: expected primary ROIs in a list, as others overlap: {listed}; got {roi!r}")


def _error_text(error: Exception, token: str) -> str:
    """The text of a library's error in one line, without the token, which a server may have sent back."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in (401, 403):
        return f"expected a token that the server accepts in {TOKEN}, got its answer {status}"
    text = one_line(error)
    for secret in sorted({token, *re.findall(r"[^\s\"'{},:]{8,}", token)}, key=len, reverse=True):
        text = text.replace(secret, "...")  # a token may be given as JSON, of which the library sends a part
    return f"expected an answer, got {type(error).__name__}: {text[:500]}"


def _version(neuprint: Any) -> str:
    try:
        return importlib.metadata.version("neuprint-python")
    except importlib.metadata.PackageNotFoundError:
        return str(getattr(neuprint, "__version__", "of unknown version"))


NEUPRINT = Format(
    read_neuprint,
    "a dataset of a neuPrint server (server/dataset)",
    roi="primary ROIs joined by commas, or all",
    has_rois=True,
    has_counts=True,
    signs="predicted transmitters",
    needs="neuprint-python",
    source="Plaza et al. 2022",
)
