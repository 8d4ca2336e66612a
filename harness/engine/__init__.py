"""How it is computed: plan → encode → store → search. Nothing here knows a benchmark or a file format by name."""
