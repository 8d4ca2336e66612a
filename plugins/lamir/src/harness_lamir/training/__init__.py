"""Training: from a recipe to a folder that holds a model."""
