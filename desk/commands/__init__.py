"""The commands, one module a family; `desk/main.py` gathers them.

Imports nothing heavy at the top of a module: `dualbrain --help` loads all of them. Bodies import what
they use. Read `options.py` first (what options share), then `run.py`.
"""
