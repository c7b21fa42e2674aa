"""Figures from tables and arrays: each function takes the data to draw and returns a matplotlib Figure.

Quantities of many runs:
    curves                 quantities over epochs: a mean over runs with a band, one panel per quantity
    dot_plot               one value per run by label or group, with means
    grid_panels            one value per run of a grid, with means: a row per quantity, a column per value of an option
    heat_map               quantities over two options
    spectra                Lyapunov spectra, such as before and after training, with their targets
    exponent_density       densities of exponents, a line per set
    vectors                covariant Lyapunov vectors: weights of groups and participation, over the exponents
    carriers               weights of groups in the leading vectors over their size, a network among its null models
    convergence            running estimates of Lyapunov exponents over time
    transition             exponents against the coupling: samples, medians and zero crossings
    distributions          trained parameters before and after training
    nulls                  a network as a line among the draws of its null models, one panel per null
    null_spectra           spectra before and after training of a network and its nulls, one panel per null
    prediction             errors of recorded and unrecorded neurons over the number of recorded ones
    orders                 a quantity that some runs do not reach, a row per network and control
    scores                 one panel per score of many models, with the best attainable value

Dynamics of one network:
    activity               population rates over time, with the decoded bump
    responses              rates of groups with and without stimulation
    measured_responses     responses of a network beside measured ones
    stimulated_accuracy    accuracy on a task while a site is stimulated, by window
    phase_plane            trajectories from a grid of initial states, and where they end
    state_space            flow, energy and fixed points
    linearization          eigenvalues and time constants by groups of units
    fixed_points_by_phase  fixed points in each phase of a trial
    psth                   mean rates of groups along trials, by condition
    trained_activity       heat maps and traces of a network's rates, before and after training
    example_trials         trials of a task: inputs, outputs and targets, before and after training
    overlaps               overlaps with selection vectors along trials, before and after training
    reaches                paths of an arm's fingertip, before and after training
    found_parameters       parameters of a student with the true ones
    stiffness              curvature of a student's loss, and errors of its parameters along each direction
    recorded_trial         a trial of a simulated recording, from inputs to spikes
    recorded_neurons       rates and Fano factors of the recorded neurons
    inferred_rates         inferred rates with the true ones
    inferred_dynamics      states, fixed points, eigenvalues and rates of a model with the true ones
    flow                   the flow and energy alone; fixed_points: fixed points and eigenvalues alone
    courses                any quantities of several trials over time
    trajectories_3d        states and fixed points of a model with the true ones, in three dimensions
    dsa_search             held-out errors by which delays and rank of DSA are chosen

Structure of one network:
    weight_matrix          a connectome's matrix sorted by group
    degrees                distributions of its degrees and weights
    eigenvalues            its eigenvalues in the complex plane
    blocks                 degrees between populations, and mean weight against distance on the ring

Files:
    render                 a Figure as the bytes of a file
    check_text             raises ValueError for a formula that matplotlib cannot set
    missing_characters     characters that the font of figures lacks

Runs that look alike form a `Series`; tables name it in their column `series`. Nothing here reads or writes files or
knows what an experiment is. Widths are those of journal columns; text is at least 7 pt.
"""

from randomnet.plotting.activity import Activity, BumpCourse, Stimulus, activity, rate_unit
from randomnet.plotting.blocks import blocks
from randomnet.plotting.carriers import Carried, carriers
from randomnet.plotting.connectome import degrees, eigenvalues, weight_matrix
from randomnet.plotting.convergence import Running, convergence
from randomnet.plotting.courses import Course, courses
from randomnet.plotting.curves import curves
from randomnet.plotting.densities import FEWEST_EXPONENTS, exponent_density
from randomnet.plotting.distributions import distributions
from randomnet.plotting.dot_plots import dot_plot
from randomnet.plotting.example_trials import ExampleTrials, example_trials
from randomnet.plotting.facets import Facet
from randomnet.plotting.fixed_points_by_phase import FixedPointsByPhase, fixed_points_by_phase
from randomnet.plotting.grid_panels import grid_panels
from randomnet.plotting.heat_maps import HeatMap, heat_map
from randomnet.plotting.inferred_dynamics import InferredDynamics, inferred_dynamics
from randomnet.plotting.inferred_rates import InferredRates, inferred_rates
from randomnet.plotting.linearization import Linearization, linearization
from randomnet.plotting.measured_responses import Curve as RocCurve
from randomnet.plotting.measured_responses import MeasuredResponses, measured_responses
from randomnet.plotting.null_spectra import NullSpectra, null_spectra
from randomnet.plotting.nulls import NullPanel, nulls
from randomnet.plotting.option_axis import needs_log_axis
from randomnet.plotting.orders import OrderRow, orders
from randomnet.plotting.overlaps import Overlaps, overlaps
from randomnet.plotting.phase_plane import PhasePlane, phase_plane
from randomnet.plotting.prediction import (
    LEAST_ERROR,
    FoundParameters,
    Means,
    PredictionErrors,
    Stiffness,
    found_parameters,
    prediction,
    stiffness,
)
from randomnet.plotting.psth import Psth, psth
from randomnet.plotting.reaches import Reaching, reaches
from randomnet.plotting.recordings import RecordedNeurons, RecordedTrial, recorded_neurons, recorded_trial
from randomnet.plotting.responses import Responses, responses
from randomnet.plotting.scores import Score, scores
from randomnet.plotting.spectra import spectra
from randomnet.plotting.state_space import StateSpace, fixed_points, flow, state_space
from randomnet.plotting.stimulated_accuracy import StimulatedAccuracy, stimulated_accuracy
from randomnet.plotting.style import FORMATS, Panel, Series, check_text, missing_characters, render
from randomnet.plotting.trained_activity import TrainedActivity, trained_activity
from randomnet.plotting.training_courses import Courses
from randomnet.plotting.trajectories import Trajectories3D, dsa_search, trajectories_3d
from randomnet.plotting.transition import Samples, missing_text, transition
from randomnet.plotting.trials import Event
from randomnet.plotting.vectors import GroupWeights, Participation, vectors

__all__ = [
    "FEWEST_EXPONENTS",
    "FORMATS",
    "LEAST_ERROR",
    "Activity",
    "BumpCourse",
    "Carried",
    "Course",
    "Courses",
    "Event",
    "ExampleTrials",
    "Facet",
    "FixedPointsByPhase",
    "FoundParameters",
    "GroupWeights",
    "HeatMap",
    "InferredDynamics",
    "InferredRates",
    "Linearization",
    "Means",
    "MeasuredResponses",
    "NullPanel",
    "NullSpectra",
    "OrderRow",
    "Overlaps",
    "Panel",
    "Participation",
    "PhasePlane",
    "PredictionErrors",
    "Psth",
    "Reaching",
    "RecordedNeurons",
    "RecordedTrial",
    "Responses",
    "RocCurve",
    "Running",
    "Samples",
    "Score",
    "Series",
    "StateSpace",
    "Stiffness",
    "StimulatedAccuracy",
    "Stimulus",
    "TrainedActivity",
    "Trajectories3D",
    "activity",
    "blocks",
    "carriers",
    "check_text",
    "convergence",
    "courses",
    "curves",
    "degrees",
    "distributions",
    "dot_plot",
    "dsa_search",
    "eigenvalues",
    "example_trials",
    "exponent_density",
    "fixed_points",
    "fixed_points_by_phase",
    "flow",
    "found_parameters",
    "grid_panels",
    "heat_map",
    "inferred_dynamics",
    "inferred_rates",
    "linearization",
    "measured_responses",
    "missing_characters",
    "missing_text",
    "needs_log_axis",
    "null_spectra",
    "nulls",
    "orders",
    "overlaps",
    "phase_plane",
    "prediction",
    "psth",
    "rate_unit",
    "reaches",
    "recorded_neurons",
    "recorded_trial",
    "render",
    "responses",
    "scores",
    "spectra",
    "state_space",
    "stiffness",
    "stimulated_accuracy",
    "trained_activity",
    "trajectories_3d",
    "transition",
    "vectors",
    "weight_matrix",
]  # fmt: skip
