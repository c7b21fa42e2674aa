"""Lists of edges in tables -> Connectome."""
