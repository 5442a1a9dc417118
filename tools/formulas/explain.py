"""One value of a formula, taken apart: the tree with the value of every node."""

import math
from dataclasses import dataclass

from tools.formulas.catalogue import Formula
from tools.formulas.conventions import DEFAULT, Conventions
from tools.formulas.engine import Panel, iter_trees
from tools.formulas.operators import GROUPS
from tools.formulas.parse import kind_of
from tools.formulas.tree import Call, Field, Node, children, text_of, walk


@dataclass(frozen=True, slots=True)
class Explained:
    """A node of the tree with its value on the newest bar; None where it is not known."""

    text: str
    value: float | None
    is_condition: bool
    parts: tuple["Explained", ...]


def explain_formula(
    formula: Formula, panel: Panel, column: int, *, conventions: Conventions = DEFAULT
) -> Explained:
    """The formula's value on the panel's newest bar, and that of every part of it.

    Use it to see which part of a formula makes its value what it is, or why there is none.

    Parameters
    ----------
    formula : Formula
        Of any catalogue.
    panel : mapping of str to array of shape (time, instruments)
        As for `compute_formulas`; cut it at the moment in question.
    column : int
        The instrument.
    conventions : Conventions
        One reading of the published texts.

    Returns
    -------
    Explained
        The whole formula; its `parts` are what its outermost operator is applied to, windows left out.

    Raises
    ------
    ToolInputError
        When the panel is not fit, as in `compute_formulas`.
    """
    nodes = {text_of(node): node for node in walk(formula.tree) if _has_value(node)}
    values = {
        text: float(rows[-1, column])
        for text, rows in iter_trees(nodes, panel, conventions=conventions, last_only=True)
    }
    return _explained(formula.tree, values)


def _has_value(node: Node) -> bool:
    """Whether it is made of the panel's numbers: no plain number, window or group is."""
    return any(
        (isinstance(inner, Field) and inner.name not in GROUPS)
        or (isinstance(inner, Call) and inner.operator == "adv")
        for inner in walk(node)
    )


def _explained(node: Node, values: dict[str, float]) -> Explained:
    text = text_of(node)
    # Adding zero makes the -0.0 of a negated condition a plain 0.
    value = values[text] + 0.0
    parts = tuple(_explained(child, values) for child in _shown(node))
    return Explained(text, value if math.isfinite(value) else None, kind_of(node) == "condition", parts)


def _shown(node: Node) -> tuple[Node, ...]:
    """What the node is applied to; the windows and numbers stand in its text."""
    return tuple(child for child in children(node) if _has_value(child))
