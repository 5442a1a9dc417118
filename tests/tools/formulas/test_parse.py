"""The formula language: precedence, the text of a tree, and errors that point at the column."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import ToolInputError
from tools.formulas.operators import FIELDS, OPERATORS
from tools.formulas.parse import kind_of, parse
from tools.formulas.tree import INFIX, Call, Field, Node, Number, text_of, walk


def call(operator: str, *args: Node) -> Call:
    return Call(operator, args)


CLOSE, OPEN, HIGH = Field("close"), Field("open"), Field("high")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("close - open - high", call("subtract", call("subtract", CLOSE, OPEN), HIGH)),
        ("close / open * high", call("multiply", call("divide", CLOSE, OPEN), HIGH)),
        ("close + open * high", call("add", CLOSE, call("multiply", OPEN, HIGH))),
        ("close ^ open ^ high", call("power", CLOSE, call("power", OPEN, HIGH))),
        ("-close ^ 2", call("negate", call("power", CLOSE, Number(2)))),
        ("2 ^ -close", call("power", Number(2), call("negate", CLOSE))),
        ("-2 * close", call("multiply", Number(-2), CLOSE)),
        ("close * -open", call("multiply", CLOSE, call("negate", OPEN))),
        ("close < open + high", call("less", CLOSE, call("add", OPEN, HIGH))),
        (
            "close > open || close < high && open == high",
            call(
                "or",
                call("greater", CLOSE, OPEN),
                call("and", call("less", CLOSE, HIGH), call("equal", OPEN, HIGH)),
            ),
        ),
        (
            "close > open ? 1 : close < open ? -1 : 0",
            call(
                "where",
                call("greater", CLOSE, OPEN),
                Number(1),
                call("where", call("less", CLOSE, OPEN), Number(-1), Number(0)),
            ),
        ),
        ("!(close > open)", call("not", call("greater", CLOSE, OPEN))),
        ("ts_corr(close, open, 6.5)", call("ts_corr", CLOSE, OPEN, Number(6.5))),
        ("neutralize(close, sector)", call("neutralize", CLOSE, Field("sector"))),
        ("adv(20) * 1e-3", call("multiply", call("adv", Number(20)), Number(1e-3))),
        ("(close > open) * 2", call("multiply", call("greater", CLOSE, OPEN), Number(2))),
    ],
)
def test_text_parses_to_the_tree_that_a_reader_expects(text: str, tree: Node) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("rank(close", 11, "expected ')', found the end"),
        ("ran(close)", 1, "did you mean rank?"),
        ("close + clos", 9, "did you mean close?"),
        ("close +", 8, "found the end"),
        ("close > open > high", 14, "join two with &&"),
        ("close ? 1 : 2", 7, "expected a condition"),
        ("close && open > high", 7, "expected a condition"),
        ("!close", 1, "expected a condition"),
        ("close > open ? 1", 17, "expected ':'"),
        ("ts_corr(close, open, 1)", 22, "a window of 2 to 10000 bars"),
        ("delay(close, -1)", 14, "a window of 0 to 10000 bars"),
        ("ts_sum(close, 10001)", 15, "a window of 1 to 10000 bars"),
        ("ts_corr(close, open)", 20, "expected ts_corr(x, y, d), found 2 arguments"),
        ("delta(close, 5, 6)", 17, "found one argument more"),
        ("delta(close, open)", 14, "expected a plain number"),
        ("ts_quantile(close, 5, 1.5)", 23, "expected q from 0 to 1"),
        ("decay_power(close, 5, 0)", 23, "expected q from"),
        ("neutralize(close, colour)", 19, "sector, industry, subindustry"),
        ("rank", 1, "a function needs its arguments"),
        ("add(close, open)", 1, "expected a function"),
        ("close $ 2", 7, "found '$'"),
        ("close close", 7, "expected an operator or the end"),
        ("3 + 4", 1, "over fields of the panel"),
        ("", 1, "found the end"),
        ("(" * 200 + "close" + ")" * 200, 101, "levels of brackets"),
        ("+".join(["close"] * 101), 1, "at most 100 parts within one another"),
        ("+".join(["close"] * 5000), 1, "found 5000 of them"),
    ],
)
def test_error_says_what_was_expected_and_points_at_the_column(text: str, column: int, says: str) -> None:
    with pytest.raises(ToolInputError) as caught:
        parse(text)
    assert says in str(caught.value)
    assert caught.value.fields["column"] == column
    _, quoted, pointer = str(caught.value).split("\n")
    assert (quoted, len(pointer)) == (text, column)


WORDS = sorted(OPERATORS.keys() - INFIX.keys() - {"negate", "not", "where"})
NUMBERS = st.floats(-1e6, 1e6, allow_nan=False).map(Number)


def _calls(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    conditions = st.builds(call, st.sampled_from(["less", "greater_equal", "equal"]), inner, inner)
    choices = {
        "x": inner,
        "c": conditions,
        "d": st.integers(5, 60).map(lambda d: Number(float(d))),
        "q": st.sampled_from([Number(0.5), Number(1.0)]),
        "g": st.just(Field("industry")),
    }
    of_words = st.sampled_from(WORDS).flatmap(
        lambda name: st.tuples(*(choices[want] for want in OPERATORS[name].takes)).map(
            lambda args: Call(name, args)
        )
    )
    signs = st.sampled_from(["add", "subtract", "multiply", "divide", "power"])
    arithmetic = st.builds(call, signs, inner, inner)
    # A minus before a bare number is part of the number, so no tree has them apart.
    negated = inner.filter(lambda node: not isinstance(node, Number)).map(lambda node: call("negate", node))
    chosen = st.builds(lambda c, x, y: call("where", c, x, y), conditions, inner, inner)
    joined = st.builds(call, st.sampled_from(["and", "or"]), conditions, conditions)
    return st.one_of(of_words, arithmetic, negated, chosen, joined, conditions)


TREES = st.recursive(st.sampled_from([Field(name) for name in FIELDS]) | NUMBERS, _calls, max_leaves=12)


@given(TREES)
def test_the_text_of_any_tree_parses_to_the_same_tree(tree: Node) -> None:
    with_field = call("add", tree, CLOSE)
    assert parse(text_of(with_field)) == with_field


def test_text_has_no_bracket_that_does_not_matter() -> None:
    assert text_of(parse("((close)-(open-high))*((2))")) == "(close - (open - high)) * 2"
    assert text_of(parse("rank((close>open)?(1):(2))")) == "rank(close > open ? 1 : 2)"


def test_kind_tells_conditions_from_numbers() -> None:
    assert kind_of(parse("close > open")) == "condition"
    assert kind_of(parse("close > open ? close : open")) == "number"


def test_walk_visits_parents_before_children() -> None:
    assert [type(node).__name__ for node in walk(parse("-close * 2"))] == ["Call", "Call", "Field", "Number"]
