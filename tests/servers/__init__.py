"""Servers that tests talk to over 127.0.0.1: a small real model, one that follows a script, and Ollama's API.

They may import nothing of ours, so that a fault of the desk cannot hide in the server that tests it. Read
`scripted.py` first for faults, `local_model.py` for a model that really answers; `fixtures.py` offers all
three to pytest.
"""
