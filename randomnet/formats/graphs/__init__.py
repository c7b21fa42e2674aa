"""Graphs in files: GraphML, GEXF, GML, Pajek, JSON -> Connectome."""
