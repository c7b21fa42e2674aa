"""Figures from tables and arrays: each function takes what it draws and returns a Figure.

    curves          quantities over epochs: mean and standard deviation over runs, a panel each
    spectra         Lyapunov spectra, such as before and after training, with their targets
    dots            one value per run by label or group, with means
    against         one value per run against a numeric option, with means and intervals
    transition      exponents against a coupling: samples, medians and where they cross zero
    convergence     running estimates of exponents over time
    distributions   trained parameters before and after
    responses       rates of groups with and without a stimulation
    inside          flow, energy and fixed points of one network
    weight_matrix   a connectome's matrix sorted by group
    degrees         its distributions of degrees and weights
    eigenvalues     its eigenvalues in the complex plane
    render          a Figure as the bytes of a file
    check_text      whether matplotlib can set a label with formulas

A set of runs that is drawn alike is a `Series`; tables name it in their column `series`. Nothing here reads or writes
a file or knows what an experiment is. Widths are those of journal columns, text is at least 7 pt.
"""

from randomnet.plotting.against import against, log_x
from randomnet.plotting.connectome import degrees, eigenvalues, weight_matrix
from randomnet.plotting.convergence import Running, convergence
from randomnet.plotting.curves import curves
from randomnet.plotting.distributions import distributions
from randomnet.plotting.dots import dots
from randomnet.plotting.inside import Inside, inside
from randomnet.plotting.responses import Responses, responses
from randomnet.plotting.spectra import spectra
from randomnet.plotting.style import FORMATS, Panel, Series, check_text, render
from randomnet.plotting.transition import Samples, transition

__all__ = ["FORMATS", "Inside", "Panel", "Responses", "Running", "Samples", "Series", "against", "check_text",
           "convergence", "curves", "degrees", "distributions", "dots", "eigenvalues", "inside", "log_x", "render",
           "responses", "spectra", "transition", "weight_matrix"]  # fmt: skip
