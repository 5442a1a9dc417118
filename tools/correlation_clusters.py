"""Instruments that move together, found by hierarchical clustering of their correlations."""

from dataclasses import dataclass

import numpy as np

from contracts.errors import ToolInputError
from contracts.market import Float2D
from tools.correlation import CorrelationMatrix


@dataclass(frozen=True, slots=True)
class InstrumentClusters:
    """Groups of names, largest first, and the tree that they were cut from."""

    groups: tuple[tuple[str, ...], ...]
    order: tuple[str, ...]
    """The tree's leaves from left to right: neighbours are alike."""
    merges: Float2D
    """One row a merge, lowest first: the two nodes, their distance, and how many instruments they hold."""


def correlation_clusters(matrix: CorrelationMatrix, *, correlation: float = 0.5) -> InstrumentClusters:
    """Group the instruments that are one bet: those whose correlation is high on average.

    Use it to count how many different bets a list of instruments is. An instrument that moves against the
    others stands apart: give the negative of its returns where a short is held.

    Parameters
    ----------
    matrix : CorrelationMatrix
        Two instruments or more; better shrunk than plain.
    correlation : float
        Groups are joined while their distance is at most that of two instruments with this correlation,
        -1 to 1.

    Returns
    -------
    InstrumentClusters
        Every name in one group; names within a group in alphabetical order.

    Raises
    ------
    ToolInputError
        One instrument alone, a matrix with a missing entry, or a correlation out of its range.

    Notes
    -----
    Distance sqrt((1 - r) / 2), 0 to 1; average linkage (UPGMA). The order of the names changes nothing but
    between equal distances. Look-ahead: none beyond the matrix. Cost: k^2, and scipy's import once.

    References
    ----------
    Mantegna, R. N. (1999). Hierarchical structure in financial markets. European Physical Journal B 11:
    its distance is twice this one. Sokal, R. R., Michener, C. D. (1958): average linkage.
    """
    if len(matrix.names) < 2 or not np.isfinite(matrix.values).all() or not -1 <= correlation <= 1:
        raise ToolInputError(
            "expected a whole matrix of two instruments or more and a correlation from -1 to 1, found "
            f"{len(matrix.names)} instruments and {correlation:g}; mend what is out"
        )
    from scipy.cluster.hierarchy import (  # type: ignore[import-untyped]  # has no types
        fcluster,
        leaves_list,
        linkage,
    )

    # Sorted, so that equal distances are joined in the same order whoever asks.
    by_name = sorted(range(len(matrix.names)), key=lambda place: matrix.names[place])
    names = [matrix.names[place] for place in by_name]
    values = matrix.values[np.ix_(by_name, by_name)]
    above = np.triu_indices(len(names), k=1)
    merges = linkage(np.sqrt((1 - values[above]) / 2), method="average")
    # Half a rounding wider: a pair at exactly this correlation belongs together.
    labels = fcluster(merges, np.sqrt((1 - correlation) / 2) + 1e-12, criterion="distance").tolist()
    found = {label: tuple(n for n, at in zip(names, labels, strict=True) if at == label) for label in labels}
    groups = tuple(sorted(found.values(), key=lambda group: (-len(group), group)))
    return InstrumentClusters(groups, tuple(names[leaf] for leaf in leaves_list(merges).tolist()), merges)
