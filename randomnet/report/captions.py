"""Captions of figures by the beginning of their file names: what is drawn, and how intervals were made.

caption   of a figure, given the kind of experiment and the stem of its file
"""

from typing import NamedTuple

MEAN = ("Bars are 95 % confidence intervals of the mean over the runs of one combo: Student's t after Hall's "
        "correction for skewness, with a raised level for up to 6 runs.")  # fmt: skip
EACH_RUN = "Each dot is a run; hollow ones did not converge or are too short to tell."
STANDARD_ERROR = "Thin bars of a run are two standard errors of its own trajectory, from batches of its record."
BANDS = ("Lines are means over runs, geometric ones on log axes; bands are the 5 to 95 % quantiles of the runs on log "
         "axes (their range for fewer than 20 runs) and the standard deviation on linear axes.")  # fmt: skip
SPREAD = "Lines are means over runs, and bands their standard deviation; of a single run, its standard error."
OF_ONE = "It shows one network, the first of its combo, so that there is no interval over networks."

ORDERS = ("A network and its controls, a row each: {} in each run (dots), and {} (diamond). Hollow marks "
          "lie beyond the measured range.")  # fmt: skip


class Caption(NamedTuple):
    """What a figure shows, and how its intervals were made."""

    drawn: str
    intervals: str

    @property
    def text(self) -> str:
        """Both as sentences."""
        return f"{self.drawn} {self.intervals}".strip()


CAPTIONS: dict[str, Caption] = {
    "spectrum/overview": Caption("Of spectra with vectors of one network, which groups of neurons have more of the "
                                 "leading direction, and of what excites it, than their number gives. Otherwise "
                                 "exponent, dimension and entropy rate over the options of the grid; no mean is taken "
                                 f"over an option that varies, unless the title says so. {EACH_RUN}",
                                 f"{MEAN} The grey band is the middle 95 % of as many random neurons. Dashed bars are "
                                 "over starts of one network, not over networks."),
    "overview": Caption("What the study is about, over the options of its grid; no mean is taken over an option that "
                        f"varies, unless the title says so. {EACH_RUN} Thin grey lines join pairs. A quantity that "
                        "is 0, or one count, in all runs is in the title and has no panel.",
                        f"{MEAN} Dashed bars are over starts of one network, not over networks."),
    "per_neuron": Caption("Kaplan-Yorke dimension and entropy rate per neuron over the options of the grid; equal "
                          f"values at different sizes mean extensive chaos. {EACH_RUN}", MEAN),
    "density": Caption("Density of the Lyapunov exponents of all runs of a combo, in colours of the values of one "
                       "option or of the folders; the area is the share of all N exponents that were computed.",
                       "There are no intervals: the exponents of all runs of a combo are put together."),
    "courses": Caption("Loss, accuracy, largest exponent and norm of the gradient over epochs, in colours of the "
                       "values of one option; all other options have one value within a figure.", BANDS),
    "final_spectra": Caption("Lyapunov spectra after training, in colours of the values of one option; all other "
                             "options have one value within a figure.", SPREAD),
    "dynamics": Caption("Largest Lyapunov exponent, Kaplan-Yorke dimension and entropy rate over the options of the "
                        f"grid. {EACH_RUN}", f"{STANDARD_ERROR} Longer bars are the mean and its 95 % interval."),
    "spectra_by": Caption("Lyapunov spectra by the value of an option: exponents in descending order over their index "
                          "as a share of the neurons.", SPREAD),
    "spectra": Caption("Lyapunov spectra: exponents in descending order over their index as a share of the neurons; "
                       "after a training also those before it.", SPREAD),
    "parameters": Caption("Trained parameters before and after training: how their values are distributed, or a dot "
                          "per group where groups are few.", "There are no intervals: all values are shown."),
    "loss_final": Caption(f"Loss of the last epoch of training. {EACH_RUN}", MEAN),
    "loss_measured": Caption("Loss measured on a long record before and after training, free of the noise of the "
                             f"training's short records. {EACH_RUN}", f"{STANDARD_ERROR} {MEAN}"),
    "loss_minimum": Caption(f"Lowest loss of each run and the epoch that has it. {EACH_RUN}",
                            "Boxes are quartiles over runs with the median; whiskers are their range."),
    "loss": Caption("Loss over epochs of training, with accuracies, largest exponent and norms of gradients where they "
                    "were recorded.", BANDS),
    "minimum": Caption(f"Lowest loss of each run and the epoch that has it. {EACH_RUN}",
                       "Boxes are quartiles over runs with the median; whiskers are their range."),
    "lambda_max": Caption(f"Largest Lyapunov exponent after training. {EACH_RUN}", f"{STANDARD_ERROR} {MEAN}"),
    "accuracies": Caption("Accuracy of each output over epochs or in the last one.", BANDS),
    "accuracy": Caption(f"Accuracy on the task with its chance level. {EACH_RUN}", MEAN),
    "radius": Caption(f"Spectral radius of the weights before and after training. {EACH_RUN}", MEAN),
    "nulls_loss_final": Caption("Loss of the last epoch of the network among its null models: the network is a line, "
                                "each null draw a dot.", "The title has the number of draws or pairs and the smallest "
                                "p that they allow; intervals are in the table of tests."),
    "nulls_loss_m": Caption("Loss of the network among its null models: the network is a line, each null draw a dot.",
                            "The title has the number of draws or pairs and the smallest p that they allow; intervals "
                            "are in the table of tests."),
    "nulls_loss": Caption("Loss over epochs of the network and of its null models.", BANDS),
    "nulls_spectra": Caption("Lyapunov spectra of the network and of its null models, before and after training.",
                             BANDS),
    "nulls": Caption("The network among its null models: the network is a line, each null draw a dot, hollow where it "
                     "did not converge.", "The title has the number of draws or pairs and the smallest p that they "
                     "allow; intervals are in the table of tests."),
    "transition": Caption("Largest Lyapunov exponent of every network over g, the medians, and where they cross zero.",
                          "The interval of the crossing is of a bootstrap over networks with Student's t, as "
                          "transition.csv has it."),
    "vectors": Caption("Weights of groups of neurons in the covariant Lyapunov vectors, which carry the exponents, "
                       "and in the forward vectors, which excite them, relative to what their size gives; and "
                       "participation ratios. Only vectors of separated exponents are determined.",
                       "Bars are two standard errors over runs, or of the record of a single run; "
                       "intervals of the ratios are in vectors.csv."),
    "prediction_courses": Caption("Errors of unrecorded and of recorded neurons in held-out trials, and the loss, over "
                                  "epochs, in colours of the values of one option.", BANDS),
    "prediction": Caption("Error of neurons that the student has never seen, and of the recorded ones, in held-out "
                          "trials, over the number M of recorded neurons: 1 − R², so that 1 is no better than each "
                          "neuron's mean. Vertical lines are participation ratios of the teachers' activity. Each dot "
                          "is a run.", "Lines are geometric means over runs, bars 95 % intervals of the mean "
                          "logarithm. The interval of the M at half is of a bootstrap over iterations, as "
                          "prediction.csv has it."),
    "stiffness": Caption("Eigenvalues of the Gauss-Newton matrix of the students' loss in the unknown parameters: "
                         "large ones are stiff directions, which the recorded neurons determine, small ones are "
                         "sloppy. Right: how far the parameters are from the true ones along each of them.",
                         "There are no intervals: each run is drawn."),
    "predict/parameters": Caption("Gains and shifts that the student found, over the true ones; r is their "
                                  "correlation.", OF_ONE),
    "transition/overview": Caption(ORDERS.format("the coupling g at which chaos begins", "that of the median exponent"),
                                   "Bars are the interval of the crossing of the medians over runs, from a bootstrap."),
    "train/overview": Caption(ORDERS.format("the epochs until the loss is below the criterion", "their median")
                              + " Trainings without a criterion or without controls: accuracy, loss and exponent over "
                              f"the options of the grid, with the loss over epochs. {EACH_RUN}",
                              "Bars are the interval of the median from order statistics, where the first figure is "
                              f"of epochs. Otherwise: {MEAN}"),
    "quantities": Caption("All quantities of the study over the options of its grid; no mean is taken over an option "
                          f"that varies, unless the title says so. {EACH_RUN}", MEAN),
    "convergence": Caption("Running estimates of Lyapunov exponents over the time of the record.",
                           "Bands are two standard errors over initial states and of the records."),
    "seconds": Caption("Seconds of a spectrum and of an epoch over the size of the network, beside the matrix products "
                       "alone.", "Each dot is a run; there are no intervals."),
    "inside": Caption("Fixed points and trajectories of a network in its first principal components.", OF_ONE),
    "linearised": Caption("Eigenvalues and time constants of the network linearised at its fixed points.", OF_ONE),
    "psth": Caption("Mean rates of a network along the trials of a task, by condition.",
                    "Bands are standard errors over trials."),
    "phases": Caption("Fixed points of a network in each phase of the task.", OF_ONE),
    "fixed_points": Caption(f"Numbers of fixed points and of stable ones, over the options of the grid. {EACH_RUN}",
                            MEAN),
    "responses": Caption("Rates during and after stimulation beside those of the undisturbed control.",
                         f"Bands are standard errors over trials. {OF_ONE}"),
    "measured_responses": Caption("Responses of a network to input into each neuron, beside measured ones: ROC curves, "
                                  "how many pairs responded by synaptic steps, how well responses rank pairs at one "
                                  "number of steps, and fitted gains or shares by predicted response.",
                                  "Intervals are BCa bootstraps over stimulated neurons; an AUC of fewer than 10 "
                                  f"responding pairs is not drawn. {OF_ONE}"),
    "responses/overview": Caption("How well responses of networks rank pairs of neurons that responded when measured, "
                                  f"over the options of the grid. {EACH_RUN}",
                                  f"Thin bars are BCa bootstraps over stimulated neurons. {MEAN}"),
    "stimulation": Caption(f"Changes during and after stimulation over the options of the grid. {EACH_RUN}", MEAN),
    "activity": Caption("Activity of a network over time: a heat map of its neurons and traces of some of them.",
                        OF_ONE),
    "plane": Caption("Trajectories from a grid of initial states in a plane.", OF_ONE),
    "rates": Caption("Rates of populations or neurons, beside what theory or the data say.", EACH_RUN),
    "bump": Caption(f"Mean and modulation of the bump of activity. {EACH_RUN}", MEAN),
    "map": Caption("Rates and bump over two options, a tile per pair of values.",
                   "Each tile is the mean over the iterations of one combo; intervals are in the table of means."),
    "trials": Caption("Example trials of a network: inputs, outputs and targets, before and after training.", OF_ONE),
    "trial": Caption("An example trial of a recording: spikes and rates.", OF_ONE),
    "neurons": Caption("Rates and Fano factors of the neurons of a recording.", OF_ONE),
    "recordings": Caption(f"Rates, dispersion and ceilings of scores of recordings. {EACH_RUN}", MEAN),
    "recording": Caption(f"Rates, dispersion and ceilings of scores of recordings. {EACH_RUN}", MEAN),
    "overlaps": Caption("Overlaps of the states of a low-rank network with its factors along validation trials.",
                        OF_ONE),
    "reaches": Caption("Reaches of the arm before and after training.", OF_ONE),
    "fit": Caption(f"Likelihood, bits per spike and R² on test trials. {EACH_RUN}", MEAN),
    "neural_latents": Caption(f"The four scores of the Neural Latents Benchmark. {EACH_RUN}", MEAN),
    "scores": Caption("Scores of inferred models against the truth, with ceilings and floors; a dot per model.", MEAN),
    "trajectories_3d": Caption("Trajectories of the truth and of the inferred model in three dimensions.", OF_ONE),
    "dsa_search": Caption("Held-out errors of the delays and ranks among which those of DSA were chosen.", OF_ONE),
    "validate_metrics": Caption(f"Accuracy on validation trials, with its chance level. {EACH_RUN}", MEAN),
    "spectral_radius": Caption(f"Spectral radius of the weights before and after training. {EACH_RUN}", MEAN),
    "seconds_of_epochs": Caption("Median seconds of a training epoch without the first one, over the number of "
                                 f"exponents or of neurons. {EACH_RUN}", MEAN),
    "compare/dynamics": Caption("Inferred dynamics beside the true ones.", OF_ONE),
    "fit/rates": Caption("True and inferred rates of some neurons in a test trial.", OF_ONE),
    "fit/loss": Caption("Negative log-likelihood over epochs of training and validation trials.", BANDS),
    "stimulate/change": Caption(f"Changes during and after stimulation over the options. {EACH_RUN}", MEAN),
    "stimulate/accuracy": Caption("Accuracy on the task while a site is stimulated, by window of the trial and site.",
                                  "Bars are standard errors over the networks of one combo."),
    "measured": Caption(f"Loss measured on a long record. {EACH_RUN}", f"{STANDARD_ERROR} {MEAN}"),
}  # fmt: skip


def caption(kind: str, stem: str) -> Caption | None:
    """The caption of the longest beginning that a file's stem has, those of the kind first; None without one."""
    for text, names in ((f"{kind}/{stem}", [name for name in CAPTIONS if "/" in name]), (stem, CAPTIONS)):
        fitting = sorted((name for name in names if text.startswith(name)), key=len)
        if fitting:
            return CAPTIONS[fitting[-1]]
    return None
