"""Responses of a network scored against measured ones: AUC, rank correlation, by synaptic steps, with intervals."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import shortest_path

from randomnet.connectome import Connectome
from randomnet.display import Displayed
from randomnet.formats.measured_responses import MatchedResponses
from randomnet.metrics.pair_ranks import (
    Estimate,
    auc_estimate,
    permuted_aucs,
    rank_correlation,
    resampled,
    share_estimate,
    shares_by_rank,
)

LONGEST = 4  # synaptic steps that are told apart; longer paths are together
NO_PATH = "no path"
UNKNOWN = Estimate(np.nan, np.nan, np.nan, np.nan, 0, 0)


@dataclass(frozen=True)
class StepGroup:
    """Pairs at one number of synaptic steps: how many have responded, and how well responses rank them."""

    name: str
    share: Estimate
    auc: Estimate


@dataclass(frozen=True, repr=False)
class ResponseScores(Displayed):
    """How the responses of a network agree with measured ones.

    names: (K,) of the measured neurons. measured: the pairs. positive: (P,) bool, pairs with a response. responses: (K,
    K), [responding, stimulated]. predicted: (P,), these of the pairs. steps: (P,) synaptic steps, inf without a path.
    weights: (B, S), the samples of the S stimulated neurons; places: (P,), the neuron of each pair among these.
    permuted: (permutations,) AUCs with permuted identities.
    """

    names: np.ndarray
    measured: MatchedResponses
    positive: np.ndarray
    responses: np.ndarray
    steps: np.ndarray
    weights: np.ndarray
    places: np.ndarray
    permuted: np.ndarray

    drawing: ClassVar[str] = "response_scores"

    @property
    def predicted(self) -> np.ndarray:
        """(P,): the response of the network of each pair."""
        return self.responses[self.measured.responding, self.measured.stimulated]

    @cached_property
    def auc(self) -> Estimate:
        """Of the responses as they are."""
        return self._auc(self.predicted)

    @cached_property
    def auc_absolute(self) -> Estimate:
        """Of their absolute values."""
        return self.auc if self.is_positive else self._auc(np.abs(self.predicted))

    @cached_property
    def spearman(self) -> Estimate:
        """Rank correlation of responses of the network and measured ones."""
        return self._spearman(self.predicted, self.measured.response)

    @cached_property
    def spearman_absolute(self) -> Estimate:
        """The same of absolute values."""
        return self._spearman(np.abs(self.predicted), np.abs(self.measured.response))

    @property
    def is_positive(self) -> bool:
        """Whether no response of the network is negative."""
        return bool((self.predicted >= 0).all())

    @cached_property
    def by_steps(self) -> tuple[StepGroup, ...]:
        """The pairs by the number of synaptic steps from the stimulated to the responding neuron."""
        return tuple(
            StepGroup(name, share_estimate(self.positive[mask], self.places[mask], self.weights),
                      auc_estimate(self.predicted[mask], self.positive[mask], self.places[mask], self.weights))
            for name, mask in self._groups_of_steps()
        )  # fmt: skip

    @property
    def by_tenths(self) -> list[Estimate]:
        """The share of pairs that responded in tenths of the pairs, by ascending response of the network."""
        return shares_by_rank(self.predicted, self.positive, self.places, self.weights)

    @property
    def permuted_p(self) -> float:
        """The share of permutations, and of the network itself, with at least the AUC of the network."""
        return float((1 + (self.permuted >= self.auc.value).sum()) / (1 + len(self.permuted)))

    def frame(self) -> pd.DataFrame:
        """A row per measured pair."""
        measured = self.measured
        return pd.DataFrame({
            "stimulated": self.names[measured.stimulated], "responding": self.names[measured.responding],
            "predicted": self.predicted, "response": measured.response, "q": measured.q,
            "occurrences": measured.occurrences, "responded": self.positive, "steps": self.steps,
        })  # fmt: skip

    def summary(self) -> str:
        """AUC with its interval, numbers of pairs and neurons, and the level of permuted identities."""
        auc, level = self.auc, self.permuted
        return (f"AUC = {auc.value:.3f} [{auc.low:.3f}, {auc.high:.3f}] of {auc.pairs} pairs, {auc.neurons} stimulated "
                f"neurons; identities permuted {level.mean():.3f} ± {level.std(ddof=1):.3f}")  # fmt: skip

    def _auc(self, scores: np.ndarray) -> Estimate:
        return auc_estimate(scores, self.positive, self.places, self.weights)

    def _spearman(self, scores: np.ndarray, response: np.ndarray) -> Estimate:
        known = np.isfinite(response)
        if not known.any():
            return UNKNOWN
        return rank_correlation(scores[known], response[known], self.places[known], self.weights)

    def _groups_of_steps(self) -> Iterator[tuple[str, np.ndarray]]:
        for number in range(1, LONGEST + 1):
            last = number == LONGEST
            mask = np.isfinite(self.steps) & (self.steps >= number if last else self.steps == number)
            yield f"{number} or more" if last else str(number), mask
        yield NO_PATH, np.isinf(self.steps)


def score(
    connectome: Connectome, measured: MatchedResponses, responses: np.ndarray, settings: Any, rng: np.random.Generator
) -> ResponseScores:
    """Return the scores of responses (K, K). settings: q, bootstrap and permutations, as [responses] has them."""
    stimulated, places = np.unique(measured.stimulated, return_inverse=True)
    positive = measured.q < settings.q
    steps = synaptic_steps(connectome, measured.neurons)[measured.responding, measured.stimulated]
    weights = resampled(len(stimulated), settings.bootstrap, rng)
    permuted = permuted_aucs(responses, measured.stimulated, measured.responding, positive, settings.permutations, rng)
    names = connectome.names[measured.neurons]
    return ResponseScores(names, measured, positive, responses, steps, weights, places, permuted)


def synaptic_steps(connectome: Connectome, neurons: np.ndarray) -> np.ndarray:
    """Return the synaptic steps between neurons (K,), (K, K) [to, from]; inf without a path."""
    edges = np.ones(len(connectome.weights))
    graph = csr_array((edges, (connectome.pre, connectome.post)), shape=(connectome.n, connectome.n))
    return np.asarray(shortest_path(graph, unweighted=True, indices=neurons))[:, neurons].T
