"""Figures from tables and arrays: each function takes what it draws and returns a Figure.

    curves          quantities over epochs: a mean over runs with a band, a panel each
    spectra         Lyapunov spectra, such as before and after training, with their targets
    dots            one value per run by label or group, with means
    against         one value per run against a numeric option, with means and intervals
    transition      exponents against a coupling: samples, medians and where they cross zero
    beside          inferred dynamics beside true ones: states, fixed points, eigenvalues, rates
    scores          a panel for each score of many models, with the best that there can be
    convergence     running estimates of exponents over time
    distributions   trained parameters before and after
    responses       rates of groups with and without a stimulation
    activity        rates of populations over time, with the bump that is decoded from them
    flow            paths from a grid in a plane, and where they end
    recorded        a trial of a recording, from inputs to spikes; recorded_neurons: its neurons
    heat_map        quantities over two options
    nulls           a network as a line on the draws of its null models, a panel each
    null_spectra    spectra before and after training of a network and of its nulls, a panel each
    inferred_rates  rates beside the true ones
    inside          flow, energy and fixed points of one network
    linearised      its eigenvalues and time constants by groups of units
    phases          its fixed points from phase to phase of a trial
    psth            mean rates of groups along trials, by condition
    overlaps        overlaps with selection vectors along trials, before and after
    reaches         paths of an arm's fingertip, before and after training
    weight_matrix   a connectome's matrix sorted by group
    degrees         its distributions of degrees and weights
    eigenvalues     its eigenvalues in the complex plane
    blocks          of populations: degrees by block, mean weight against distance on the ring
    render          a Figure as the bytes of a file
    check_text      whether matplotlib can set a label with formulas

A set of runs that is drawn alike is a `Series`; tables name it in their column `series`. Nothing here reads or writes
a file or knows what an experiment is. Widths are those of journal columns, text is at least 7 pt.
"""

from randomnet.plotting.activity import Activity, BumpCourse, Stimulus, activity, rate_unit
from randomnet.plotting.against import against, log_x
from randomnet.plotting.blocks import blocks
from randomnet.plotting.compared import Beside, Score, beside, scores
from randomnet.plotting.connectome import degrees, eigenvalues, weight_matrix
from randomnet.plotting.convergence import Running, convergence
from randomnet.plotting.curves import curves
from randomnet.plotting.distributions import distributions
from randomnet.plotting.dots import dots
from randomnet.plotting.inferred import InferredRates, inferred_rates
from randomnet.plotting.inside import Inside, inside
from randomnet.plotting.linearised import Linearised, linearised
from randomnet.plotting.maps import Map, heat_map
from randomnet.plotting.null_spectra import NullSpectra, null_spectra
from randomnet.plotting.nulls import NullPanel, nulls
from randomnet.plotting.overlaps import Overlaps, overlaps
from randomnet.plotting.phases import Phases, phases
from randomnet.plotting.plane import Flow, flow
from randomnet.plotting.psth import Psth, psth
from randomnet.plotting.reaches import Reaching, reaches
from randomnet.plotting.recorded import RecordedNeurons, RecordedTrial, recorded, recorded_neurons
from randomnet.plotting.responses import Responses, responses
from randomnet.plotting.spectra import spectra
from randomnet.plotting.style import FORMATS, Panel, Series, check_text, render
from randomnet.plotting.transition import Samples, missing_text, transition
from randomnet.plotting.trials import Event

__all__ = ["FORMATS", "Activity", "Beside", "BumpCourse", "Event", "Flow", "InferredRates", "Inside", "Linearised",
           "Map", "NullPanel", "NullSpectra", "Overlaps", "Panel", "Phases", "Psth", "Reaching", "RecordedNeurons",
           "RecordedTrial", "Responses", "Running", "Samples", "Score", "Series", "Stimulus", "activity", "against",
           "beside", "blocks", "check_text", "convergence", "curves", "degrees", "distributions", "dots",
           "eigenvalues", "flow", "heat_map", "inferred_rates", "inside", "linearised", "log_x", "missing_text",
           "null_spectra", "nulls", "overlaps", "phases", "psth", "rate_unit", "reaches", "recorded",
           "recorded_neurons", "render", "responses", "scores", "spectra", "transition",
           "weight_matrix"]  # fmt: skip
