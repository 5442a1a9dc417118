"""The composition root: settings, wiring, command line. Imported by nothing.

Read `wiring.py` first (what is built from what), then `settings.py` (every name a person may set),
then `main.py` (the commands). Nobody else reads the environment.
"""
