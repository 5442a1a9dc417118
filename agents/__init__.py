"""What minds say and how their answers are counted; today the consensus rules.

May import tools, markets, memory, prompts and contracts. Read `consensus.py` first.
"""
