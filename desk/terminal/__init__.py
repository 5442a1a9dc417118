"""The desk's side of the terminal: what its screens show, in words, and what a person there may do.

`door.py` is the way in; the screens are in `tui/` and know its records alone.
"""
