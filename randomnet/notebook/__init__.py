"""What the runner does, from Python.

>>> import randomnet as rn
>>> c = rn.connectome("EB", g=3)

    connectome      a network of any format
"""

from randomnet.notebook.connectomes import NotebookConnectome, connectome

__all__ = ["NotebookConnectome", "connectome"]
