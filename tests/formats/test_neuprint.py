"""neuPrint as a source: asked once, read as its export ever after; the token is nowhere; what is wrong is one line.

The server is a made-up module in place of neuprint-python, and, where that is installed, the library itself against a
server of ours on this machine.
"""

import json
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import ModuleType, SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import runrandomnet
from randomnet.build import connectome
from randomnet.formats import FormatError, Options, read_connectome
from randomnet.formats import neuprint as reader

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword")  # what pandas says of the library

TOKEN = "eyJhbGciOiJIUzI1NiJ9.a-secret.0123456789"
ADDRESS = "neuprint.example.org/made:v1.2"
PRIMARY = ["EB", "FB", "b'L(R)"]
ROIS = [*PRIMARY, "CX"]  # of which CX is the sum of EB and FB
N = 14


def made_up():
    """Neurons and connections per ROI as `fetch_adjacencies` returns them."""
    rng = np.random.default_rng(5)
    bodies = 5813000000 + np.arange(N)
    neurons = pd.DataFrame(
        {
            "bodyId": bodies,
            "type": [None if body % 5 == 4 else f"ER{body % 3}" for body in range(N)],
            "instance": [f"ER_{'LR'[body % 2]}" for body in range(N)],
            "consensusNt": [None] * N,
            "predictedNt": [("acetylcholine", "gaba", "dopamine", None)[body % 4] for body in range(N)],
            "celltypePredictedNt": [None] * N,
        }
    )
    pairs = np.argwhere(rng.random((N, N)) < 0.6)
    rows = pd.DataFrame({"bodyId_pre": bodies[pairs[:, 0]], "bodyId_post": bodies[pairs[:, 1]]})
    rows = pd.concat([rows.assign(roi=roi).iloc[start::2] for start, roi in enumerate(["EB", "FB", "NotPrimary"])])
    rows["weight"] = rng.integers(1, 30, len(rows))
    return neurons, rows.sort_values(["bodyId_pre", "bodyId_post"]).reset_index(drop=True)


def chosen(rois):
    """What a query for ROIs brings: their rows, and the neurons that these connect."""
    neurons, rows = made_up()
    rows = rows[rows.roi.isin({"EB", "FB"} if rois == ["CX"] else rois)] if rois else rows
    rows = rows.assign(roi="CX") if rois == ["CX"] else rows
    if rois == ["CX"]:
        rows = rows.groupby(["bodyId_pre", "bodyId_post", "roi"], as_index=False)["weight"].sum()
    return neurons[neurons.bodyId.isin([*rows.bodyId_pre, *rows.bodyId_post])], rows


class Refused(OSError):
    """As requests.HTTPError, which is an OSError; its text, like some servers' answer, has the token."""

    response = SimpleNamespace(status_code=500)


class Client:
    """Stands for neuprint.Client: knows one dataset, keeps what it is called with."""

    primary_rois, all_rois = PRIMARY, ROIS
    calls: list = []  # noqa: RUF012
    error: Exception | None = None

    def __init__(self, server, dataset=None, token=None, verify=True, progress=True):
        assert token == TOKEN and verify
        self.calls.append((server, dataset))
        if dataset != "made:v1.2":
            listed = "\nAvailable datasets: ['made:v1.2']"
            raise RuntimeError(f"Dataset '{dataset}' does not exist on the neuprint server ({server}).{listed}")

    def fetch_custom(self, cypher):
        """The number of neurons, which the made-up server counts only for some queries."""
        if "n.`CX`" in cypher:
            raise OSError(TOKEN)
        assert cypher.startswith("MATCH (n:Neuron) WHERE (n.status IN") and "OR n.cropped IS NULL)" in cypher
        rois = re.findall("`(.*?)`", cypher)
        return pd.DataFrame({"neurons": [len(chosen(rois)[0]) if rois else 12345]})


def fetch_adjacencies(
    sources=None, targets=None, rois=None, min_roi_weight=1, min_total_weight=1, include_nonprimary=False,
    export_dir=None, batch_size=200, properties=("type", "instance"), *, client=None,
):  # fmt: skip
    """As the library's of 0.5; with a column of weights more, as later ones have it."""
    assert sources["status"] and sources["cropped"] is False and targets == sources
    assert not set(rois or []) - set(ROIS) and include_nonprimary == ("CX" in (rois or []))
    Client.calls.append(("adjacencies", *(rois or ["all"])))
    if Client.error:
        raise Client.error
    neurons, rows = chosen(rois)
    return neurons[["bodyId", *properties]], rows.assign(weightHP=0)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The folder of the cache, with a token in the environment."""
    monkeypatch.setenv("RANDOMNET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv(reader.TOKEN, TOKEN)
    return tmp_path / "cache" / "neuprint"


@pytest.fixture
def library(cache, monkeypatch):
    """The made-up library in place of neuprint-python; returns its list of calls."""
    module = ModuleType("neuprint")
    module.Client, module.fetch_adjacencies, module.NeuronCriteria = Client, fetch_adjacencies, dict
    monkeypatch.setitem(sys.modules, "neuprint", module)
    monkeypatch.setattr(Client, "calls", [])
    monkeypatch.setattr(Client, "error", None)
    return Client.calls


def read(roi="", address=ADDRESS, **options):
    return read_connectome(address, "neuprint", Options(roi, **options))


def export(folder, rois):
    """The same tables as a folder that neuPrint exported."""
    neurons, rows = chosen(rois)
    folder.mkdir()
    neurons.drop(columns=["consensusNt", "celltypePredictedNt"]).to_csv(folder / "neurons.csv", index=False)
    rows.to_csv(folder / "roi-connections.csv", index=False)
    totals = rows.groupby(["bodyId_pre", "bodyId_post"], as_index=False)["weight"].sum()
    totals.to_csv(folder / "total-connections.csv", index=False)
    return folder


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def without_secrets(folder, *texts):
    assert all(TOKEN.encode() not in content for content in files(folder).values())
    assert all(TOKEN not in text for text in texts)


def refused(text, **arguments):
    with pytest.raises(FormatError, match=text) as caught:
        read(**arguments)
    assert "\n" not in str(caught.value) and TOKEN not in str(caught.value)


# ---- what is asked, and what is kept


@pytest.mark.parametrize("roi", ["", "EB", "FB, EB", "CX"])
@pytest.mark.parametrize("address", [ADDRESS, f"https://{ADDRESS}", f"https://{ADDRESS}/"])
def test_it_is_the_export(library, tmp_path, roi, address):
    rois = sorted(name.strip() for name in roi.split(",")) if roi else None
    folder = export(tmp_path / "export", rois)
    unsigned = {"sign_policy": "none", "drop_autapses": False}
    for options in ({}, {"min_synapses": 9}, {"sign_policy": "strict"}, unsigned):
        asked = read(roi, address, **options)
        exported = read_connectome(folder, "neuprint_export", Options(roi, **options))
        assert asked.sha256() == exported.sha256()
        for key in ("roi", "rows_read", "sign_policy", "neurons_of_unknown_transmitter", "autapses_dropped"):
            assert asked.provenance[key] == exported.provenance[key]
    assert library == [("neuprint.example.org", "made:v1.2"), ("adjacencies", *(rois or ["all"]))]
    assert asked.name == f"made:v1.2 {roi}".strip() and asked.labels["neurotransmitter"][1] == "gaba"


@pytest.mark.parametrize(("roi", "neurons"), [("", "12,345 neurons"), ("EB", "14 neurons"), ("CX", "neurons")])
def test_how_much_is_asked_for_is_said_once_before_the_query(library, cache, capsys, roi, neurons):
    read(roi)
    said, folder = capsys.readouterr().err, next(cache.iterdir())
    asking = f"neuPrint, {ADDRESS}: asking for the connections between {neurons}"
    assert said == f"{asking}; the answer is kept in {folder}\n"
    read(roi)
    assert not capsys.readouterr().err


def test_male_cns_counts_the_neurons_with_a_superclass():
    query = reader.Query("neuprint.example.org", "male-cns:v1.0", ())
    assert query.count == "MATCH (n:Neuron) WHERE (n.superclass IS NOT NULL) RETURN count(n) AS neurons"


def test_the_query_and_its_date_are_kept(library, cache, tmp_path):
    notes = read("EB").provenance
    folder = next(cache.iterdir())
    assert re.fullmatch(r"neuprint\.example\.org_made-v1\.2_[0-9a-f]{12}", folder.name)
    assert sorted(files(folder)) == ["neurons.csv", "query.json", "roi-connections.csv", "total-connections.csv"]
    assert (folder / "neurons.csv").read_text().startswith("bodyId,type,instance,predictedNt\n")
    assert (folder / "roi-connections.csv").read_text().startswith("bodyId_pre,bodyId_post,roi,weight\n")
    assert (folder / "total-connections.csv").read_text().startswith("bodyId_pre,bodyId_post,weight\n")
    facts = json.loads((folder / "query.json").read_text())
    assert (facts["server"], facts["dataset"], facts["roi"]) == ("neuprint.example.org", "made:v1.2", "EB")
    assert facts["library"].startswith("neuprint-python ") and facts["query"]["neurons"]["cropped"] is False
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", facts["date"])
    assert notes["neuprint"] == {key: value for key, value in facts.items() if key != "files"}
    assert notes["source"] == f"neuPrint, {ADDRESS}, asked on {facts['date']}" and notes["format"] == "neuprint"
    without_secrets(tmp_path, str(notes))


def test_what_is_kept_needs_neither_token_nor_library(library, monkeypatch):
    first = read("EB")
    library.clear()
    monkeypatch.delenv(reader.TOKEN)
    monkeypatch.setitem(sys.modules, "neuprint", None)
    again = read(" EB ,", min_synapses=0)
    assert again.sha256() == first.sha256() and again.provenance["neuprint"] == first.provenance["neuprint"]
    assert not library
    refused("expected neuprint-python to ask the server, got none installed: pip install .*neuprint", roi="FB")


@pytest.mark.parametrize("damage", ["no query", "half a query", "half a table", "a table less", "another query"])
def test_what_is_not_whole_is_asked_again(library, cache, damage):
    whole = read("EB").sha256()
    folder = next(cache.iterdir())
    query, table = folder / "query.json", folder / "roi-connections.csv"
    if damage == "no query":
        query.unlink()
    elif damage == "half a query":
        query.write_text(query.read_text()[:40])
    elif damage == "half a table":
        table.write_bytes(table.read_bytes()[:-20])
    elif damage == "a table less":
        table.unlink()
    else:
        query.write_text(query.read_text().replace("made:v1.2", "made:v1.1"))
    library.clear()
    assert read("EB").sha256() == whole and len(library) == 2
    assert [path.name for path in cache.iterdir()] == [folder.name]
    assert read("EB").sha256() == whole and len(library) == 2


def test_an_interrupted_query_leaves_nothing(library, cache, monkeypatch):
    monkeypatch.setattr(reader, "checksums", lambda paths: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        read("EB")
    assert not list(cache.iterdir())


def test_two_at_once(library, cache, monkeypatch):
    """Whoever comes second, with the answer of the first in place, reads that."""
    write = reader._write

    def after_another(folder, query, *tables):
        other = write(folder, query, *tables)
        folder.rename(query.folder)  # as if the other had ended here
        folder.mkdir()
        return write(folder, query, *tables) and other

    monkeypatch.setattr(reader, "_write", after_another)
    assert read("EB").n == read("EB").n
    assert len(list(cache.iterdir())) == 1


def test_properties_that_no_neuron_has_are_no_transmitters(library, monkeypatch):
    neurons, rows = made_up()
    monkeypatch.setattr(sys.modules[__name__], "made_up", lambda: (neurons.assign(predictedNt=None), rows))
    asked = read("EB")
    assert sorted(asked.labels) == ["instance", "side", "type"] and asked.provenance["sign_policy"] == "none"


# ---- what is wrong


def test_what_is_no_address(library):
    for address in ("", "rois/EB", "/data/hemibrain:v1.2.1", "neuprint.janelia.org", "a.b/c/d", "http://a.b/c", "a.b/"):
        refused("expected server/dataset, such as neuprint.janelia.org/hemibrain:v1.2.1, got ", address=address)
    assert not library


def test_rois_that_are_not(library):
    refused(r"expected a ROI that exists, got 'eb'; there are EB, FB, b'L\(R\); did you mean 'EB'\?", roi="eb")
    refused("expected primary ROIs in a list, as others overlap: .*; got 'CX'", roi="CX, EB")
    refused("expected no rows", rows="target")
    refused(r"expected a connection in b'L\(R\), got none", roi="b'L(R)")
    assert ("adjacencies", "b'L(R)") in library


def test_errors_of_the_library_are_one_line_without_the_token(library, tmp_path, monkeypatch):
    refused("Dataset 'none' does not exist on the neuprint server", address="neuprint.example.org/none")
    for error in (RuntimeError(f"\nAuthorization: Bearer {TOKEN}\n"), AssertionError(f"{TOKEN!r}"), Refused(TOKEN)):
        monkeypatch.setattr(Client, "error", error)
        refused(rf"expected an answer, got {type(error).__name__}: .*\.\.\.", roi="EB")
    monkeypatch.setattr(Refused, "response", SimpleNamespace(status_code=401))
    refused(f"expected a token that the server accepts in {reader.TOKEN}, got its answer 401", roi="EB")
    without_secrets(tmp_path)


def test_a_token_as_json_is_not_shown_either(monkeypatch):
    said = reader._error_text(RuntimeError(f"Bearer {TOKEN}"), json.dumps({"token": TOKEN, "image-url": "https://a.b/c"}))
    assert said == "expected an answer, got RuntimeError: Bearer ..."


def test_a_cache_that_cannot_be_written(library, cache):
    cache.parent.mkdir(parents=True)
    cache.write_text("a file")
    refused("expected a folder .*neuprint to keep the answer in .set RANDOMNET_CACHE", roi="EB")


def test_a_token_that_is_missing(library, monkeypatch):
    for value in (None, "", "  "):
        monkeypatch.delenv(reader.TOKEN, raising=False)
        if value is not None:
            monkeypatch.setenv(reader.TOKEN, value)
        refused("expected a token in the environment variable NEUPRINT_APPLICATION_CREDENTIALS .*got none", roi="EB")
    assert not library


# ---- datasets whose properties are known


def asked_of(dataset, library, monkeypatch, more):
    """The network of a dataset whose neurons have further properties, and what the library was asked for."""
    asked = {}

    def adjacencies(sources, targets, *, properties, **options):
        asked.update(criteria=sources, properties=list(properties))
        neurons, rows = made_up()
        return neurons.assign(**more).reindex(columns=["bodyId", *properties]), rows

    class Other(Client):
        def __init__(self, server, dataset=None, token=None):
            self.calls.append((server, dataset))

    module = sys.modules["neuprint"]
    for name, value in {"Client": Other, "fetch_adjacencies": adjacencies, "NotNull": "any value"}.items():
        monkeypatch.setattr(module, name, value, raising=False)
    return read(address=f"neuprint.example.org/{dataset}"), asked


def test_male_cns_has_neurons_with_a_superclass_and_their_labels(library, cache, monkeypatch):
    more = {
        "superclass": ["cb_intrinsic", "vnc_motor"] * (N // 2),
        "class": ["Kenyon_Cell"] + [None] * (N - 1),
        "somaSide": ["R", None] * (N // 2),
        "rootSide": ["L"] * N,
        "itoleeHl": [None] * N,
        "trumanHl": ["03A"] * N,
        "consensusNt": ["histamine", "unclear"] * (N // 2),
    }
    male, asked = asked_of("male-cns:v1.0", library, monkeypatch, more)
    assert asked["criteria"].pop("client") and asked["criteria"] == {"superclass": "any value"}
    assert {"superclass", "somaSide", "consensusNt"} <= set(asked["properties"])
    labels = {kind: texts[:2].tolist() for kind, texts in male.labels.items()}
    assert labels["super_class"] == ["cb_intrinsic", "vnc_motor"] and labels["side"] == ["right", "left"]
    assert labels["hemilineage"] == ["03A", "03A"] and labels["class"] == ["Kenyon_Cell", "unknown"]
    assert labels["neurotransmitter"] == ["acetylcholine", "unknown"]  # a Kenyon cell
    assert male.labels["neurotransmitter"][2] == "histamine" and male.signs[2] == -1
    header = next(cache.glob("*/neurons.csv")).read_text().partition("\n")[0].split(",")
    assert "trumanHl" in header and "itoleeHl" not in header  # which has no values
    query = json.loads(next(cache.glob("*/query.json")).read_text())["query"]
    assert query["neurons"] == {"superclass": "NotNull"}
    assert read(address="neuprint.example.org/male-cns:v1.0").sha256() == male.sha256()
    assert len(library) == 1


@pytest.mark.parametrize(("dataset", "has_sides"), [("manc:v1.2.1", True), ("hemibrain:v1.2.1", False)])
def test_other_datasets_have_traced_neurons(library, monkeypatch, dataset, has_sides):
    more = {"somaSide": ["LHS", "RHS"] * (N // 2), "class": ["intrinsic neuron"] * N, "hemilineage": ["03A"] * N}
    read_of, asked = asked_of(dataset, library, monkeypatch, more)
    assert asked["criteria"].pop("client") and asked["criteria"] == reader.CRITERIA
    assert ("somaSide" in asked["properties"]) == has_sides
    assert read_of.labels["side"][:2].tolist() == ["left", "right"]
    assert ("hemilineage" in read_of.labels) == has_sides


# ---- from the INI


@pytest.fixture
def experiment(tmp_path, monkeypatch):
    """Runs an INI of a tiny spectrum on the network of ADDRESS; options as section.key=value change it."""
    monkeypatch.chdir(tmp_path)
    # a process reads a network once
    for cached in (connectome._read_or_built_in, connectome._weighted, connectome._scaled):
        cached.cache_clear()
    (tmp_path / "e.ini").write_text(
        f"[experiment]\nkind = spectrum\n[paths]\npath_to_network = {ADDRESS}\npath_to_results = results\n"
        "[net]\nroi = EB\nsource = neuprint\n[lyapunov]\nnle = 2\ntsim = 2\ntransient = 0\n"
        "[trainvalidate]\niterations = 1\n[execution]\nworkers = 1\n"
    )

    def run(*options):
        return runrandomnet.main(["e.ini", *(part for option in options for part in ("--set", option))])

    return run


def test_an_experiment(library, experiment, tmp_path, capsys):
    assert experiment() == 0, capsys.readouterr()
    out, err = capsys.readouterr()
    assert f"neuPrint, {ADDRESS}, asked on 2" in out and "made:v1.2 EB (measured)" in out
    manifest = next((tmp_path / "results").rglob("manifest.json")).read_text()
    assert '"neuprint"' in manifest and '"dataset": "made:v1.2"' in manifest
    without_secrets(tmp_path, out, err)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((f"paths.path_to_network={ADDRESS}x",), "Dataset 'made:v1.2x' does not exist"),
        (("net.roi=EBB",), "expected a ROI that exists, got 'EBB'"),
        (("net.source=auto",), f"[paths] path_to_network: expected a file or a folder, got '{ADDRESS}', not there"),
        (("net.source=hemibrain",), "expected a file or a folder"),
        (("paths.path_to_network=rois",), "expected server/dataset"),
        (("net.rows=target",), "expected no rows"),
        (("no token",), "expected a token in the environment variable NEUPRINT_APPLICATION_CREDENTIALS"),
        (("no library",), "got none installed: pip install "),
    ],
)
def test_wrong_input_is_one_line(library, experiment, tmp_path, monkeypatch, capsys, options, words):
    if options == ("no token",):
        monkeypatch.delenv(reader.TOKEN)
    if options == ("no library",):
        monkeypatch.setitem(sys.modules, "neuprint", None)
    assert experiment(*(option for option in options if "=" in option)) == 2
    out, err = capsys.readouterr()
    assert err.startswith("error: ") and len(err.splitlines()) == 1 and words in err
    assert [path.name for path in tmp_path.iterdir()] == ["e.ini"]
    without_secrets(tmp_path, out, err)


# ---- the library itself


class Server(BaseHTTPRequestHandler):
    """Answers what neuprint-python 0.6 asks, with the made-up tables; `seen` are the queries."""

    seen: list = []  # noqa: RUF012

    def log_message(self, *_):
        """Say nothing."""

    def do_GET(self):
        answers = {"/api/dbmeta/datasets": {"made:v1.2": {}}, "/api/version": {"Version": "1.0.0"}}
        self.answer(answers[self.path])

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert body["dataset"] == "made:v1.2"
        self.seen.append(body["cypher"])
        columns, rows = self.table(body["cypher"])
        self.answer({"columns": columns, "data": rows})

    def answer(self, content):
        status = 200
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            status, content = 401, {"error": f"invalid: {self.headers['Authorization']}"}
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def table(self, cypher):
        neurons, rows = made_up()
        if "neuronProperties" in cypher:
            return ["n.neuronProperties"], [[json.dumps(dict.fromkeys(neurons.columns, "string"))]]
        if "m:Meta" in cypher:
            meta = {"dataset": "made", "primaryRois": PRIMARY}
            columns = ["meta", "roiInfo", "roiHierarchy", "neuroglancerInfo", "neuroglancerMeta", "statusDefinitions"]
            return columns, [[meta, {roi: {} for roi in ROIS}, {}, {}, [], {}]]
        assert "Traced" in cypher or "bodyId in" in cypher
        wanted = [roi for roi in ROIS if f".`{roi}`" in cypher or f".{roi}" in cypher]
        touching, _ = chosen(["EB", "FB"] if "CX" in wanted else wanted)
        if cypher.endswith("count(n) AS neurons"):
            return ["neurons"], [[len(touching)]]
        if "runTimeboxed" in cypher:
            return ["count"], [[len(touching)]]
        if "ConnectsTo" in cypher:
            return self.connections(cypher, rows)
        columns = re.findall(r" as (\w+)", cypher)
        listed = [int(body) for body in re.findall(r"\b58130\d+", cypher)]
        found = neurons[neurons.bodyId.isin(listed)] if listed else touching
        found = found.reindex(columns=columns).astype(object)
        return columns, found.where(found.notna(), None).values.tolist()

    def connections(self, cypher, rows):
        """Totals with roiInfo; sources or targets in the batch."""
        side = re.search(r"\b([nm])\.bodyId in", cypher)[1]
        listed = [int(body) for body in re.findall(r"\b58130\d+", cypher)]
        rows = rows[rows["bodyId_pre" if side == "n" else "bodyId_post"].isin(listed)]
        found = []
        for (pre, post), group in rows.groupby(["bodyId_pre", "bodyId_post"]):
            info = {roi: {"post": int(weight)} for roi, weight in zip(group.roi, group.weight, strict=True)}
            info.pop("NotPrimary", None)
            if inside := sum(entry["post"] for entry in info.values()):
                info["CX"] = {"post": inside}
            found.append([int(pre), int(post), int(group.weight.sum()), json.dumps(info)])
        columns = re.findall(r" as (weight\w*)", cypher)
        more = [0] * (len(columns) - 1)
        return ["bodyId_pre", "bodyId_post", *columns, "roiInfo"], [[*row[:3], *more, row[3]] for row in found]


@pytest.fixture
def server(cache, monkeypatch):
    """A server on this machine; the library's own adapter speaks http to it where it would speak https."""
    client = pytest.importorskip("neuprint").client

    class Plain(client.HTTPAdapter):
        def send(self, request, **given):
            request.url = request.url.replace("https://", "http://", 1)
            return super().send(request, **{**given, "proxies": {}})

    monkeypatch.setattr(client, "HTTPAdapter", Plain)
    monkeypatch.setattr(client.Client, "DATASETS_CACHE", {})
    monkeypatch.setattr(Server, "seen", [])
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as served:
        thread = threading.Thread(target=served.serve_forever)
        thread.start()
        yield f"localhost:{served.server_port}/made:v1.2"
        served.shutdown()
        thread.join()


@pytest.mark.parametrize("roi", ["", "EB", "EB, FB", "CX"])
def test_the_library_against_a_server(server, tmp_path, roi):
    asked = read(roi, server)
    exported = read_connectome(export(tmp_path / "export", roi.split(", ") if roi else None), options=Options(roi))
    assert asked.sha256() == exported.sha256()
    assert all("cropped" in query for query in Server.seen if "ConnectsTo" in query)
    if roi:
        assert any(re.search(rf"\.`?{roi.split(',')[0]}", query) for query in Server.seen if "ConnectsTo" in query)
    number = len(Server.seen)
    assert read(roi, server).sha256() == asked.sha256() and len(Server.seen) == number
    without_secrets(tmp_path, str(asked.provenance))


def test_the_library_with_a_wrong_token(server, cache, tmp_path, monkeypatch, capsys):
    wrong = "another-secret-token"
    monkeypatch.setenv(reader.TOKEN, wrong)
    with pytest.raises(FormatError, match=r"expected a token that the server accepts in .*, got .* 401") as caught:
        read("EB", server)
    assert wrong not in str(caught.value) and "\n" not in str(caught.value) and not files(tmp_path)
    assert wrong not in "".join(capsys.readouterr())


def test_the_library_with_a_wrong_dataset_or_roi(server):
    refused(r"Dataset 'none' does not exist .* Available datasets: \['made:v1\.2'\]", address=f"{server[:-9]}none")
    refused("expected a ROI that exists, got 'XB'", roi="XB", address=server)


def test_a_server_that_is_not_there(server, monkeypatch):
    refused("expected an answer, got ConnectionError", roi="EB", address="localhost:9/made:v1.2")
