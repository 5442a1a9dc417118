"""Formulas as text: one line each, parsed, planned together and run on panels of instruments.

    catalogues/*.toml -> catalogue.py -> parse.py -> tree.py -> plan.py -> kernels -> engine.py

A panel maps a field (close, volume, ...) to a float64 array of shape (time, instruments); NaN is missing.
Read `operators.py` for what each word of the language means, `conventions.py` for what a reader of the
published texts may take in two ways, `engine.py` to compute. May import what `tools` may, and numba.
"""
