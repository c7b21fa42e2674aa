"""Files of earlier runs that a run starts from: trained networks, inferred models, recordings. All are checked."""
