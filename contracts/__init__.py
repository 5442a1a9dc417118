"""What every room agrees on: records of the path, ports to the world, errors, canonical hashing.

Imports nothing of ours. Read `records.py` first (the path of a decision, in path order), then
`ports.py` (what a feed, a broker, a journal and a voter must promise), then `errors.py`.
"""
