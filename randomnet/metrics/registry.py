"""`METRICS`: a row for each metric by which inferred dynamics are compared with the true ones, with its scores."""

from dataclasses import dataclass

from randomnet.registry import Registry


@dataclass(frozen=True)
class Reference:
    """A column with the value that a score is compared with.

    role: `ceiling`, which no model passes but by chance; `floor`, a distance that noise alone reaches; `chance`, what a
    model of other trials, or random pairs, reach; `truth`, the value of the true system itself. label: what figures
    call it.
    """

    column: str
    role: str
    label: str


@dataclass(frozen=True)
class Score:
    """One column of scores.csv.

    sentence: its meaning. label: that of its figure with unit; scores without one have no figure. higher_is_better:
    None where neither is better. lowest, highest: bounds that no value passes. reference: what it is compared with.
    pairs: the columns with the numbers of true and inferred items that the score pairs. headline: whether the console
    and the overview figure show the score.
    """

    column: str
    sentence: str
    unit: str = ""
    label: str = ""
    higher_is_better: bool | None = None
    lowest: float | None = None
    highest: float | None = None
    reference: Reference | None = None
    pairs: tuple[str, str] | None = None
    headline: bool = False


@dataclass(frozen=True)
class Metric:
    """One metric: its scores. needs: what must be known besides the recording and the model. source: paper."""

    sentence: str
    scores: tuple[Score, ...]
    needs: str = ""
    source: str = ""


BITS = "bits per spike"
CEILING = "what the true rates get"
CHANCE = "chance: shuffled trials, or random pairs"
BENCHMARK = "Versteeg et al. 2025"
NEURAL_LATENTS = "Pei et al. 2021"
STATES, BOTH_SYSTEMS = "true states", "the true system and the dynamics of the model"
POINTS = ("points_true", "points_inferred")


METRICS: Registry[Metric] = Registry({
    "rate_r2": Metric(
        "How well the inferred rates explain the true ones, without any fit.",
        (
            Score("rate_r2", "R² of the inferred rates against the true ones on the test trials.",
                  label="rate R²", higher_is_better=True, highest=1.0, headline=True),
        ),
        needs="true rates",
        source=BENCHMARK,
    ),
    "state_r2": Metric(
        "How much of the true and the inferred states is linear in the other.",
        (
            Score("state_r2_true_to_inferred",
                  "R² of a linear regression of the inferred states on the true ones.",
                  label="state R²,\ntrue → inferred", higher_is_better=True, highest=1.0,
                  reference=Reference("state_r2_true_to_inferred_chance", "chance", CHANCE), headline=True),
            Score("state_r2_inferred_to_true",
                  "R² of a linear regression of the true states on the inferred ones.",
                  label="state R²,\ninferred → true", higher_is_better=True, highest=1.0,
                  reference=Reference("state_r2_inferred_to_true_chance", "chance", CHANCE), headline=True),
            Score("state_r2_true_to_inferred_chance", "Chance level of state_r2_true_to_inferred, by shuffled trials."),
            Score("state_r2_inferred_to_true_chance", "Chance level of state_r2_inferred_to_true, by shuffled trials."),
        ),
        needs=STATES,
        source=BENCHMARK,
    ),
    "cycle_con": Metric(
        "How much of the latents the rates of the model depend on.",
        (
            Score("cycle_con", "Cycle consistency: share of the whitened latents' variance that the rates depend on.",
                  label="cycle consistency", higher_is_better=True, highest=1.0,
                  reference=Reference("cycle_con_truth", "truth", "of the truth itself"), headline=True),
            Score("cycle_con_components", "Components of the latents that the rates depend on."),
            Score("cycle_con_dimensions", "Dimensions of the latents."),
            Score("cycle_con_raw", "Cycle consistency of the latents without whitening.", higher_is_better=True),
            Score("cycle_con_truth", "Cycle consistency of the true states."),
        ),
        source=BENCHMARK,
    ),
    "bps": Metric(
        "How much better the inferred rates predict spikes than each neuron's mean rate does.",
        (
            Score("bps", "Log-likelihood above that of mean rates, per spike.", BITS, "bits per spike",
                  higher_is_better=True, reference=Reference("bps_ceiling", "ceiling", CEILING)),
            Score("bps_ceiling", "Bits per spike of the true rates.", BITS),
        ),
        source=NEURAL_LATENTS,
    ),
    "co_bps": Metric(
        "Bits per spike for the held-out neurons, which the model does not see.",
        (
            Score("co_bps", "Bits per spike for the held-out neurons, which the model does not see.", BITS,
                  "bits per spike,\nheld-out neurons", higher_is_better=True,
                  reference=Reference("co_bps_ceiling", "ceiling", CEILING), headline=True),
            Score("co_bps_ceiling", "Bits per spike of the true rates for the held-out neurons.", BITS),
        ),
        needs="held-out neurons",
        source=NEURAL_LATENTS,
    ),
    "input_r2": Metric(
        "How much of the inferred inputs is linear in the true ones.",
        (
            Score("input_r2", "Share of the inferred inputs' variance that is linear in the true ones.",
                  label="input R²", higher_is_better=True, highest=1.0,
                  reference=Reference("input_r2_chance", "chance", CHANCE)),
            Score("input_r2_chance", "Chance level of input_r2, by shuffled trials."),
        ),
        needs="true inputs, and a model that infers inputs",
        source=BENCHMARK,
    ),
    "procrustes": Metric(
        "The angle between true and inferred states at the best rotation, shift and scale.",
        (
            Score("procrustes", "Procrustes distance of true and inferred states.", "rad",
                  "Procrustes\ndistance (rad)", higher_is_better=False, lowest=0.0,
                  reference=Reference("procrustes_chance", "chance", CHANCE)),
            Score("procrustes_chance", "Chance level of procrustes, by shuffled trials.", "rad"),
        ),
        needs=STATES,
        source="Williams et al. 2021",
    ),
    "dsa": Metric(
        "Dynamical similarity analysis: how far apart the linear operators of delayed states are.",
        (
            Score("dsa", "Distance between the linear operators of the dynamics, over the best rotation.", "rad",
                  "DSA distance\n(rad)", higher_is_better=False, lowest=0.0,
                  reference=Reference("dsa_floor", "floor", "largest between halves of the true trials"),
                  headline=True),
            Score("dsa_floor", "Distance dsa between two halves of the truth, which noise alone reaches.", "rad"),
            Score("dsa_eigenvalues", "Mean squared distance of the operators' eigenvalues.",
                  label="DSA eigenvalues,\nmean squared dist.", higher_is_better=False, lowest=0.0),
            Score("dsa_delays_used", "Delays of the operators of dsa."),
            Score("dsa_rank_used", "Rank of the operators of dsa."),
        ),
        needs=STATES,
        source="Ostrow et al. 2023",
    ),
    "fixed_points": Metric(
        "How far apart paired fixed points are, and whether they are equally stable.",
        (
            Score("points_true", "Fixed points of the true system."),
            Score("points_inferred", "Fixed points of the model."),
            Score("points_matched", "Matched pairs of fixed points of both systems."),
            Score("slow_true", "Slow points of the true system."),
            Score("slow_inferred", "Slow points of the model."),
            Score("points_distance", "Mean distance between matched fixed points, relative to their spread.",
                  label="fixed points,\ndistance (spread)", higher_is_better=False, lowest=0.0, pairs=POINTS),
            Score("points_agreement", "Share of the matched pairs with equal stability.",
                  label="fixed points of\nthe same stability", higher_is_better=True, lowest=0.0, highest=1.0,
                  reference=Reference("points_agreement_chance", "chance", CHANCE), pairs=POINTS),
            Score("points_agreement_chance", "Expected share of random pairs with equal stability."),
            Score("points_share", "Matched pairs per point of the larger set.", higher_is_better=True),
        ),
        needs=BOTH_SYSTEMS,
    ),
    "eigenvalues": Metric(
        "How far apart the eigenvalues of the Jacobians at paired fixed points are.",
        (
            Score("eigenvalue_distance", "Mean distance of the Jacobians' eigenvalues at matched fixed points.",
                  label="eigenvalues of J,\nmean distance", higher_is_better=False, lowest=0.0, pairs=POINTS),
            Score("eigenvalue_time_constants", "Mean |ln ratio| of the time constants at matched fixed points.",
                  label="time constants,\n|ln ratio|", higher_is_better=False, lowest=0.0, pairs=POINTS),
            Score("eigenvalue_frequencies", "Mean difference of the frequencies at matched fixed points.", "1/τ",
                  "frequencies,\ndifference (1/τ)", higher_is_better=False, lowest=0.0, pairs=POINTS),
        ),
        needs=BOTH_SYSTEMS,
    ),
    "memories": Metric(
        "Whether the same trials end in the same state when both systems run without input.",
        (
            Score("memories_true", "Different end states of the true system's trials without input."),
            Score("memories_inferred", "Different end states of the model's trials without input."),
            Score("memories_agreement", "Adjusted Rand index of trials that end together: 1 if equal, 0 by chance.",
                  label="trials that end\ntogether (Rand)", higher_is_better=True, lowest=0.0, highest=1.0),
        ),
        needs=BOTH_SYSTEMS,
        source="Hubert & Arabie 1985",
    ),
    "spectrum": Metric(
        "How far apart the leading Lyapunov exponents are.",
        (
            Score("spectrum_distance", "Root mean square difference of the Lyapunov exponents.", "1/τ",
                  "Lyapunov exp.,\nrms diff. (1/τ)", higher_is_better=False, lowest=0.0),
            Score("lambda_max_true", "Largest exponent of the true system.", "1/τ"),
            Score("lambda_max_inferred", "Largest exponent of the model.", "1/τ"),
        ),
        needs=BOTH_SYSTEMS,
    ),
})  # fmt: skip


def scores() -> tuple[Score, ...]:
    """The scores of all metrics, in the order of the columns of scores.csv.

    >>> from randomnet.metrics import scores
    >>> [score.column for score in scores()][:2]
    ['rate_r2', 'state_r2_true_to_inferred']
    """
    return tuple(score for metric in METRICS.values() for score in metric.scores)
