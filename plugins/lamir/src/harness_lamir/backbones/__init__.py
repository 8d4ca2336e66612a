"""What is trained: texts to unit vectors. Importing this package, or its settings, imports no torch."""
