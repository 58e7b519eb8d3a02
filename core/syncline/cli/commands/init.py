"""`syncline init`: a sync is set up by questions, or by flags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ..invocation import Invocation
from ..options import command

if TYPE_CHECKING:
    from ..setup import Answers, Made

FREQUENCIES = ("once", "daily", "weekly", "monthly", "cron", "by_hand")


@command()
@click.option("--name", metavar="NAME", help="Name of the sync: small letters, digits, single hyphens.")
@click.option("--description", metavar="TEXT", help="What it is for, in a sentence.")
@click.option(
    "--connection",
    multiple=True,
    metavar="NAME|KEY=VALUE",
    help="The connection of both ends; where there is no connections.yaml, also the keys of the first one, such as "
    "type=zoho_sandbox.",
)
@click.option(
    "--source",
    multiple=True,
    metavar="TYPE|KEY=VALUE",
    help="The source's type, or one of its keys: report=all_signups.",
)
@click.option(
    "--sink", multiple=True, metavar="TYPE|KEY=VALUE", help="The sink's type, or one of its keys: list='Webinar leads'."
)
@click.option(
    "--map",
    "maps",
    multiple=True,
    metavar="SINK=SOURCE",
    help="A row of the mapping beside those that are proposed; 'Phone=' leaves one out; the right side may be as in a "
    "spec, {value: Webinar}.",
)
@click.option("--retrieve", metavar="WHAT", help="all, since_last_fetch, or after=MOMENT.")
@click.option("--frequency", type=click.Choice(FREQUENCIES), help="How often it runs.")
@click.option("--time", metavar="HH:MM", help="Time of day.")
@click.option("--on", metavar="DAYS", help="Days of the week, with commas (weekly).")
@click.option("--day", metavar="DAY", help="1 to 31, or last (monthly).")
@click.option("--cron", metavar="FIELDS", help="Minute, hour, day of month, month, day of week (cron).")
@click.option("--timezone", metavar="ZONE", help="An IANA zone; default: the zone of the source.")
@click.option(
    "--output",
    type=click.Path(allow_dash=True),
    metavar="FILE",
    help="Where the spec goes; - for standard output. Default: NAME.yaml beside the specs.",
)
@click.option("--yes", is_flag=True, help="Take everything that is proposed without a question.")
@click.option("--force", is_flag=True, help="Overwrite a spec that is there already.")
def init(invocation: Invocation, **flags: Any) -> int:
    """Set up a sync: choose from what the accounts hold, map fields, look at samples, get a spec that is valid.

    It asks for what no flag says, and proposes an answer wherever it can. Nothing is written anywhere until the end,
    and then only the spec, and connections.yaml and sync.schema.json where they are missing. The accounts are read,
    never written. Where nobody can be asked, an answer that is missing is an error that names its flag.

    \b
    Example:
      syncline init --source creator --source report=all_signups --sink list="Webinar leads"
    """
    from ..setup import Wizard, answers_of

    answers = answers_of(**flags)
    invocation.logs()
    wizard = Wizard(invocation, answers)
    try:
        made = wizard.run()
    except KeyboardInterrupt:
        from ..setup.asking import STOPPED

        raise click.Abort(STOPPED) from None
    _write(invocation, answers, made)
    _tell(invocation, answers, made, wizard.asker.warnings)
    return 0


def _write(invocation: Invocation, answers: Answers, made: Made) -> None:
    from ..setup.files import overwrite, schema_beside, write

    if answers.printed:
        return
    if made.connections is not None:
        write(made.connections_path, made.connections)
    schema_beside(invocation, made.path.parent)
    put = overwrite if answers.force else write
    put(made.path, made.text)


def _tell(invocation: Invocation, answers: Answers, made: Made, warnings: list[str]) -> None:
    from ..documents import initiated

    terminal = invocation.terminal
    if invocation.options.as_json:
        terminal.document(initiated(made, warnings, written=not answers.printed))
        return
    if answers.printed:
        terminal.text(made.text)
        return
    terminal.say(terminal.clean(f"{made.path} is written and valid."))
    if made.first_run is not None:
        terminal.say(terminal.clean(f"`syncline serve` would first run it {made.first_run:%Y-%m-%d %H:%M} UTC."))
    terminal.say("Next:")
    for line in made.next:
        terminal.say(terminal.clean(f"  {line}"))
