"""The plain twin of the formula library: slow, written apart from it, read straight off the published texts.

`operators` has one function per word of the language under the default conventions; `alpha101`, `alpha191`
and `qlib_sets` have the formulas. Of `tools/formulas` only the list of words is read, by a test: two texts
that share no code and agree are proof.
"""
