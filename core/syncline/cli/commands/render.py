"""`syncline render`: what another system needs to run the specs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import completing
from ..invocation import Invocation
from ..options import command

if TYPE_CHECKING:
    from ...errors import Fault
    from ...render.kubernetes import Place, Rendered
    from ...spec import Loaded, Spec

HEAD = "# Written by `syncline render kubernetes`: change the specs, then render again."
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def _namespace(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and not _NAMESPACE.fullmatch(value):
        raise click.BadParameter("must be small letters, digits and hyphens, at most 63")
    return value


@command()
@click.argument("target", type=click.Choice(["kubernetes"]))
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), shell_complete=completing.specs)
@click.option("--deployment", is_flag=True, help="One Deployment of `serve` for all the specs, in place of CronJobs.")
@click.option("--skip", is_flag=True, help="Leave out a spec whose schedule a CronJob cannot keep exactly.")
@click.option("--image", help="The image that runs; default: syncline and the version of this Syncline.")
@click.option("--namespace", callback=_namespace, help="Put every object into this namespace; default: none is named.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False, allow_dash=True),
    help="Write files into this folder, and take away what is stale there; default: -, all to standard output.",
)
def render(
    invocation: Invocation,
    target: str,
    paths: tuple[Path, ...],
    deployment: bool,
    skip: bool,
    image: str | None,
    namespace: str | None,
    output: Path | None,
) -> int:
    """Print what another system needs to run the specs: TARGET kubernetes.

    PATH is a spec or a folder of specs, as for `validate`. Each spec with a schedule becomes a CronJob and a ConfigMap
    with its files, which hold references and no secret. A schedule that a CronJob cannot keep exactly (the last day of
    a month, once, a time that a clock change skips or repeats) is refused with the reason; --deployment renders `serve`
    instead, which keeps them all. The same specs give the same text.

    \b
    Example:
      syncline render kubernetes configs --output rendered
      syncline render kubernetes configs --deployment --image registry.example.com/syncline:0.1.0
    """
    from importlib.metadata import version

    from ...errors import SpecError
    from ...render.kubernetes import Place

    if deployment and skip:
        raise click.UsageError("--skip is for CronJobs; a Deployment of `serve` keeps every schedule")
    loaded = invocation.load(paths or [invocation.folder()], neighbours=True)
    if loaded.faults:
        raise SpecError(faults=loaded.faults)
    place = Place(image or f"syncline:{version('syncline')}", namespace)
    made = _deployment(loaded, place) if deployment else _cron_jobs(loaded, place, skip, invocation.clock())
    folder = None if output is None or str(output) == "-" else output
    if folder is not None:
        _write(folder, made)
    _say(invocation, made, folder)
    return 0


def _cron_jobs(loaded: Loaded, place: Place, skip: bool, now: datetime) -> Rendered:
    from ...errors import SpecError
    from ...render.kubernetes import cron_jobs

    made = cron_jobs(loaded.specs, loaded.connections, place, now)
    refused = [] if skip else [_with_mend(fault) for _, faults in made.left_out for fault in faults]
    if refused or made.faults:
        raise SpecError(faults=tuple(sorted((*refused, *made.faults))))
    if not made.files:
        raise SpecError("there is nothing to render", why="no spec has a schedule that a CronJob can keep",
                        mend="--deployment renders `serve`, which keeps them all")  # fmt: skip
    return made


def _with_mend(fault: Fault) -> Fault:
    return replace(fault, message=f"{fault.message}; --skip leaves this spec out, --deployment keeps every schedule")


def _deployment(loaded: Loaded, place: Place) -> Rendered:
    from ...errors import SpecError
    from ...render.kubernetes import deployment

    folders = {spec.path.parent for spec in loaded.specs}
    if len(folders) != 1:
        why = "these specs lie in several" if folders else "there is no spec"
        raise SpecError("a Deployment serves one folder", why=why, mend="name the specs of one folder")
    made = deployment(loaded.specs, loaded.connections[loaded.specs[0].path], place)
    if made.faults:
        raise SpecError(faults=tuple(made.faults))
    return made


def text(made: Rendered, file: str) -> str:
    """One file of those that were rendered."""
    from ...spec import written

    return f"{HEAD}\n{written(made.files[file])}"


def _write(folder: Path, made: Rendered) -> None:
    """The files, and a kustomization of them; what an earlier rendering left and this one has not is taken away."""
    from ...render.kubernetes import kustomization
    from ...spec import written

    texts = {name: text(made, name) for name in made.files}
    texts["kustomization.yaml"] = f"{HEAD}\n{written([kustomization(made)])}"
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(folder.glob("*.yaml")):
        with path.open(encoding="utf-8", errors="replace") as stream:
            ours = stream.readline().rstrip("\n") == HEAD
        if ours and path.name not in texts:
            path.unlink()
        elif not ours and path.name in texts:
            raise click.UsageError(f"{path} was not written by `render`; choose another folder")
    for name, each in texts.items():
        (folder / name).write_text(each, encoding="utf-8")


def _say(invocation: Invocation, made: Rendered, folder: Path | None) -> None:
    from .. import documents

    terminal = invocation.terminal
    if invocation.options.as_json:
        terminal.document(documents.rendered("kubernetes", made, folder))
        return
    if folder is None:
        from ...spec import written

        objects = [each for objects in made.files.values() for each in objects]
        terminal.text(f"{HEAD}\n{written(objects)}")
    for line in _lines(made, folder):
        terminal.tell(terminal.clean(line))


def _lines(made: Rendered, folder: Path | None) -> Sequence[str]:
    from ...render.pod import NAME

    lines = [str(fault) for _, faults in made.left_out for fault in faults]
    lines += [f"left out, for `serve` to run: {_named(spec for spec, _ in made.left_out)}"] if made.left_out else []
    lines += [f"without a schedule, only by hand: {_named(made.by_hand)}"] if made.by_hand else []
    lines += [f"the Secret {NAME} needs: {', '.join(sorted(made.keys))}"] if made.keys else []
    lines += [f"written: {folder} ({len(made.files) + 1} files)"] if folder else []
    return lines


def _named(specs: Iterable[Spec]) -> str:
    return ", ".join(str(spec.path) for spec in specs)
