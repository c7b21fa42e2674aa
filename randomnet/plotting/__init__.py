"""Figures from tables and arrays: each function takes what it draws and returns a Figure.

    curves          quantities over epochs: mean and standard deviation over runs, a panel each
    spectra         Lyapunov spectra before and after training, with their targets
    dots            one value per run against a label or an option, with means
    distributions   trained parameters before and after
    render          a Figure as the bytes of a file
    check_text      whether matplotlib can set a label with formulas

A set of runs that is drawn alike is a `Series`; tables name it in their column `series`. Nothing here reads or writes
a file or knows what an experiment is. Widths are those of journal columns, text is at least 7 pt.
"""

from randomnet.plotting.curves import curves
from randomnet.plotting.distributions import distributions
from randomnet.plotting.dots import dots
from randomnet.plotting.spectra import spectra
from randomnet.plotting.style import FORMATS, Panel, Series, check_text, render

__all__ = ["FORMATS", "Panel", "Series", "check_text", "curves", "distributions", "dots", "render", "spectra"]
