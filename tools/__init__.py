"""What turns bars and records into numbers: indicators, scores, sizes, limits. Pure throughout.

May import `markets`, `memory` and `contracts`, besides numpy, TA-Lib, arch and Numba; never a model, a
graph, a clock or a disk. Read `registry.py` first: a tool is a function with `@tool` above it, and
everything that shows or calls tools reads that table. Nothing in the table can place or change an order.
"""
