"""The sections of the INI, assembled from the rows of the registries, and the checks across options."""

from randomnet.plugins import load_plugins

load_plugins()  # before the sections are made from the registries
