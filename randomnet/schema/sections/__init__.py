"""The sections that several kinds read; those of single kinds are in kinds/<kind>/options.py."""
