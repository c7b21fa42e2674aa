"""`responses`: of every neuron of a network to input into every other one; `score_responses`: beside measured ones."""

from dataclasses import replace
from os import PathLike
from typing import Any

import numpy as np
import pandas as pd
import torch

from randomnet.analysis.responses import OperatingPoint, operating_point
from randomnet.build.connectome import connectome_of
from randomnet.build.measured_responses import responses_of
from randomnet.build.network import build_setup
from randomnet.connectome import Connectome
from randomnet.kinds.responses.computing import doubt_of, network_responses
from randomnet.kinds.responses.options import ResponsesSection
from randomnet.kinds.responses.scoring import ResponseScores, score
from randomnet.notebook.networks import NotebookNetwork
from randomnet.notebook.networks import network as build
from randomnet.notebook.options import keys_of, new_path, text_of
from randomnet.notebook.spectra import present_setup, spectrum_run
from randomnet.rnn import Dynamics, Network
from randomnet.schema.config import SCHEMA
from randomnet.settings.readers import Key

SECTION = "responses"
OF_RESPONSES = ("method", "quantity", "strength", "pulse", "response_time", "rest_time")  # without a table


def responses(source: NotebookNetwork | Connectome, **options: Any) -> pd.DataFrame:
    """The response of every neuron (rows) to input into every neuron (columns), around the network's fixed point.

    source: a network of `network()` or of results, with its present values; a `Connectome` is a network with the
    defaults of [model]. options: method, quantity, strength, pulse, response_time and rest_time of [responses]. Values
    are changes of rates per unit of input. Raises TypeError for an unknown option or another source, and ValueError for
    a wrong value, or where there is no stable fixed point.

    >>> import randomnet as rn
    >>> net = rn.network(rn.connectome("AB", g=0.5), activation="linear")
    >>> rn.responses(net).shape
    (58, 58)
    """
    network = _network("responses()", source)
    written = keys_of("responses()", options, (SECTION,))
    for _, name in written:
        if name not in OF_RESPONSES:
            raise TypeError(f"responses(): expected one of {', '.join(OF_RESPONSES)}, got {name!r}")
    settings = replace(ResponsesSection(), **{key[1]: _parsed(key, value) for key, value in written.items()})
    with torch.no_grad():
        system, point = _at_rest(network.module, settings)
        matrix = network_responses(system, point, torch.arange(network.n), settings).numpy()
    connectome = network.connectome
    names = pd.Index(np.arange(network.n) if connectome is None else connectome.names)
    return pd.DataFrame(matrix, names.rename("responding"), names.rename("stimulated"))


def score_responses(
    source: NotebookNetwork | Connectome, table: str | PathLike[str] | pd.DataFrame, **options: Any
) -> ResponseScores:
    """How the responses of a network agree with measured ones, as an INI with kind = responses says it.

    table: a file or a DataFrame with columns stimulated, responding and q, and if there are any response and
    occurrences. options: those of [responses] but gains_by, folds and restrict. Raises TypeError for an unknown option
    or another source, and ValueError for a wrong value, or where there is no stable fixed point.

    >>> import randomnet as rn
    >>> net = rn.network(rn.connectome("AB", g=0.5), activation="linear")
    >>> table = rn.responses(net).stack().rename("response").reset_index()
    >>> table["q"] = 1.0 - (table["response"] > 0.02)
    >>> scores = rn.score_responses(net, table, bootstrap=200, permutations=20)
    >>> scores.auc.value, scores.auc.neurons
    (1.0, 58)
    >>> list(scores.frame())[:4]
    ['stimulated', 'responding', 'predicted', 'response']
    """
    network = _network("score_responses()", source)
    if isinstance(table, pd.DataFrame):
        path = new_path("responses.csv")
        table.to_csv(path, index=False)
        table = path
    written = dict(keys_of("score_responses()", options, (SECTION,), ("table",)))
    for name in ("gains_by", "folds", "restrict"):
        if (SECTION, name) in written:
            raise TypeError(f"score_responses(): expected no {name}, which an INI with kind = responses has")
    run = spectrum_run(network, written | {("paths", "responses"): table}, "score_responses()", SECTION)
    setup, settings = present_setup(network, build_setup(run)), run.config.responses
    with torch.no_grad():
        system, point = _at_rest(setup.network, settings)
        connectome = connectome_of(run)
        measured = responses_of(run, connectome)
        matrix = network_responses(system, point, torch.from_numpy(measured.neurons), settings).numpy()
    return score(connectome, measured, matrix, settings, run.generator("responses"))


def _parsed(key: Key, value: Any) -> Any:
    """The value of an option of [responses]. Raises ValueError for a wrong one."""
    kind = SCHEMA.options[key].value
    try:
        return kind.parse(text_of(key, value))
    except ValueError:
        raise ValueError(f"{key[1]}: expected {kind.expected}, got {value!r}") from None


def _network(function: str, source: Any) -> NotebookNetwork:
    """The network of a source. Raises TypeError for another source."""
    network = build(source) if isinstance(source, Connectome) else source
    if not isinstance(network, NotebookNetwork) or not isinstance(network.module, Network):
        raise TypeError(f"{function}: expected a network or a connectome, got {type(source).__name__}")
    return network


def _at_rest(network: Any, settings: ResponsesSection) -> tuple[Dynamics, OperatingPoint]:
    """The system and its fixed point. Raises ValueError where it has no responses."""
    system = network.autonomous().double()
    point = operating_point(system, round(settings.rest_time / system.dt))
    doubt = doubt_of(system, point)
    if point is None or doubt:
        raise ValueError(f"responses: expected a network at a stable fixed point, got none: {doubt}")
    return system, point
