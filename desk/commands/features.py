"""`dualbrain tools features`: the whole feature vector of an instrument at a moment."""

import json
from typing import Annotated, Literal

import typer

from desk.commands.options import AtOption, IntervalOption, JsonOption, SampleOption, SymbolOption, footer

LevelsOption = Annotated[
    Literal["close", "pivots"], typer.Option("--levels", help="What prices are told by.")
]


def add_to(app: typer.Typer) -> None:
    """Register the command beside the tools'."""
    epilog = footer(
        "dualbrain tools features --symbol EURUSD --at 2017-03-01T14:00",
        "dualbrain tools features --symbol EURUSD --levels pivots --json",
        exits=(0, 2, 5),
    )
    app.command("features", epilog=epilog)(show_features)


def show_features(
    symbol: SymbolOption,
    at: AtOption = None,
    interval: IntervalOption = None,
    levels: LevelsOption = "close",
    sample: SampleOption = None,
    is_json: JsonOption = False,
) -> None:
    """Compute the whole feature vector of an instrument at a moment.

    The same function makes a model's training rows. A column without a value
    says why.
    """
    import asyncio

    from desk.commands.files import settings_of
    from desk.commands.tool_inputs import moment_for, sample_overrides
    from desk.present import moment, number, plain_table, to_stdout
    from markets.instruments import resolve
    from tools.feature_schema import load_feature_schema
    from tools.features import feature_vectors

    overrides = {} if interval is None else {"timeframe": interval}
    settings = settings_of(sample_overrides(sample) | overrides)
    schema = load_feature_schema()
    asked = asyncio.run(moment_for(settings, resolve(symbol), at))
    (found,) = feature_vectors([asked], schema, levels=levels)
    values = [
        None if name in found.missing else float(x)
        for name, x in zip(schema.names, found.values, strict=True)
    ]
    if is_json:
        told = {
            "feature_set": schema.name,
            "version": schema.version,
            "schema_sha256": schema.sha256,
            "instrument_id": found.instrument_id,
            "timeframe": settings.timeframe,
            "as_of": found.as_of.isoformat(),
            "levels": levels,
            "stale": list(found.stale),
            "values": dict(zip(schema.names, values, strict=True)),
            "missing": dict(found.missing),
        }
        typer.echo(json.dumps(told))
        return
    out = to_stdout()
    known = len(values) - len(found.missing)
    out.print(
        f"{schema.name} {schema.version} of {found.instrument_id} {settings.timeframe}, known by "
        f"{moment(found.as_of)}: {known} of {len(values)} features",
        style="bold",
    )
    for words in found.stale:
        out.print(f"stale: {words}")
    lines = [
        (name, f"none: {found.missing[name]}" if x is None else number(x))
        for name, x in zip(schema.names, values, strict=True)
    ]
    out.print(plain_table(("feature", "value"), lines))
