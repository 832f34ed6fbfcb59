"""The commands `http`, which serves, and `load`, which measures a service."""

import asyncio
import socket
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Final, get_args
from urllib.parse import urlsplit

import typer
from pydantic import BaseModel

from labels import atomic
from serve.load.report import print_comparison, print_floor, print_outcomes
from serve.load.traffic import Mix

_MODEL: Final = Path("models/stance")


def http(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port to listen on.")] = 3000,
) -> None:
    """Serve over HTTP until a signal says to stop; STANCE_* variables set it up, SIGHUP loads the model anew."""
    from serve.http.run import run

    run(host, port)


def load(
    url: Annotated[str, typer.Option(help="Where the service is.")] = "http://127.0.0.1:3000",
    key: Annotated[str | None, typer.Option(help="Key to send.")] = None,
    clients: Annotated[int, typer.Option(min=1, help="Clients, each of which sends one request at a time.")] = 8,
    mix: Annotated[
        str, typer.Option(help="sentence, article (25 sentences), text (the same to /tag_article) or both.")
    ] = "both",
    seconds: Annotated[float, typer.Option(min=0.1, help="How long.")] = 10.0,
    overload: Annotated[bool, typer.Option("--overload", help="Send four times what the service can do.")] = False,
    compare: Annotated[bool, typer.Option("--compare", help="Start our service and BentoML's usual one.")] = False,
    soak: Annotated[bool, typer.Option("--soak", help="Start our service and see whether its memory grows.")] = False,
    floor: Annotated[
        bool, typer.Option("--floor", help="Start our service without a network, and bare uvicorn.")
    ] = False,
    model: Annotated[
        Path | None,
        typer.Option(
            help="The saved model for --compare and --soak (models/stance if none is named). With --overload, start a "
            "service of it instead of using that at --url."
        ),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="With --compare and --floor: turns that each takes.")] = 3,
    requests: Annotated[int, typer.Option(min=100, help="With --soak: how many.")] = 100_000,
    json_out: Annotated[Path | None, typer.Option("--json", help="Write the figures here.")] = None,
) -> None:
    """Put load on a service and tell throughput, latency and statuses; exit with 1 if it is not borne as it should."""
    # Imported only where they are wanted, for the tagger takes seconds.
    found: BaseModel
    passed = True
    if overload + compare + soak + floor > 1:
        raise typer.BadParameter("--overload, --compare, --soak and --floor are different measurements; choose one")
    if compare:
        from serve.load.compare import compare as compare_services

        found = compared = compare_services(model or _MODEL, seconds, rounds, _say)
        print_comparison(compared)
        passed = compared.passed
    elif soak:
        from serve.load.soak import soak as let_soak

        found = soaked = let_soak(model or _MODEL, requests, _say)
        memory = (
            f"{soaked.early_mib:.0f} MiB at first, {soaked.warm_mib:.0f} MiB, {soaked.after_mib:.0f} MiB in the end"
        )
        print(f"{soaked.statuses}; {memory}: {soaked.growth:+.1%}")
        passed = soaked.passed
    elif floor:
        from serve.load.floor import floor as measure_floor

        found = measured = measure_floor(seconds, rounds, _say)
        print_floor(measured)
        passed = measured.passed
    elif overload:
        from serve.load.overload import overload as put_overload
        from serve.load.servers import running

        with ExitStack() as stack:
            if model is None:
                _check_reachable(url)
            else:
                server = running(["serve", "http"], {"STANCE_MODEL": str(model.resolve())})
                url = stack.enter_context(server).url
            found = borne = asyncio.run(put_overload(url, seconds, key, model, _say))
        print_outcomes([("capacity", borne.capacity), (f"{borne.times} times that", borne.under_load)])
        print(f"a single sentence is answered promptly {borne.recovered_after_seconds:.1f} s after the last request")
        if model is None:
            print("name the service's model with --model to have answers held against its tagger's")
        else:
            print(f"{borne.wrong} of {borne.checked} accepted answers that were looked at are not the tagger's")
        passed = borne.passed
    else:
        from serve.load.drive import closed_loop
        from serve.load.traffic import fresh, sentences, shots

        kind = _mix(mix)
        _check_reachable(url)
        stream = shots(fresh(sentences()), kind)
        found = outcome = asyncio.run(closed_loop(url, stream, clients, seconds, key))
        print_outcomes([(f"{mix}, {clients} clients", outcome)])
        passed = outcome.passed
    if json_out is not None:
        atomic.write_text(json_out, found.model_dump_json(indent=2) + "\n")
    raise typer.Exit(0 if passed else 1)


def _check_reachable(url: str) -> None:
    place = urlsplit(url)
    try:
        port = place.port or (443 if place.scheme == "https" else 80)
        socket.create_connection((place.hostname or "", port), timeout=5).close()
    except (OSError, ValueError) as error:
        raise typer.BadParameter(
            f"nothing answers at --url {url} ({error}); start the service with `python -m serve http` or name another"
        ) from error


def _mix(name: str) -> Mix:
    found: dict[str, Mix] = {mix: mix for mix in get_args(Mix)}
    if name not in found:
        raise typer.BadParameter(f"--mix is {', '.join(found)}, not {name}")
    return found[name]


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
