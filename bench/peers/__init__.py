"""Other people's implementations of our formulas, each run by its own package in an environment of its own.

    environment.py        makes .venv-peers from locks/peers.txt
    adapter.py            what every adapter shares: the panel, the result files, the summary
    run_alpha101v.py      alpha101v: Alpha101, pandas
    run_kunquant.py       KunQuant: 82 of Alpha101 and Alpha158, compiled C++
    run_qlib.py           Qlib: Alpha158 and Alpha360 by its own expression engine
    run_polars_ta.py      polars_ta: our Alpha101 and Alpha191 text by its operators

An adapter is a script: `.venv-peers/bin/python bench/peers/run_qlib.py PANEL.npz OUT --formulas all`. It runs
where the peers are installed and the desk is not, so it imports neither our engine nor anything else that
needs our environment; `run_polars_ta.py` reads our catalogues and parses them with our parser, which needs
no package. Values come back under our formula names; a formula a peer does not have is missing, not NaN.
"""
