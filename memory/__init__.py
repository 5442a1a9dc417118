"""What the desk remembers: the journal, the blobs, and who may write them.

May import contracts only; the one user of sqlite-utils. Read `journal.py` first (append-only rows,
written before anything acts on them), then `chain.py` (what a row's hash covers) and `audit.py` (how
a changed, lost or rewritten row shows). `scratch.py` is the same in memory, for replay and tests.
"""
