"""Training objectives: losses together with the rows they are computed on, each a plugin's declaration by name."""
