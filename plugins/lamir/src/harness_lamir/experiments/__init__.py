"""Experiments on the losses of LAMIR: arms times seeds, trained, measured, compared, shown on a page.

Data goes one way: `plan` (YAML files) → `run` (train, `measuring`, `probes`) → `results` (one JSON file for each arm
and seed) → `evidence` and `statistics` → `page`, `tables`, `sentences` and `plots`.
The page is a function of the result files and the plans alone. Not imported by anything else of the package; needs the
extra `experiments` (matplotlib, scipy, scikit-learn).
"""
