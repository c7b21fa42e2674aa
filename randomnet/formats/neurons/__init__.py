"""Labels, signs and positions of neurons, from tables and arrays beside a network."""
