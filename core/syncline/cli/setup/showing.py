"""Samples and the end of the conversation, for people."""

from __future__ import annotations

from ...console.tables import Counted
from ...console.text import listing, plural
from ...sampling import Sample, Samples
from .asking import Asker


def show_samples(asker: Asker, found: Samples) -> None:
    """The first leads as they would arrive, one column each field, and those kept out with their reason."""
    if not found.leads:
        return
    names = list(found.leads[0].lead)
    rows = [[*(each.lead[name] or "" for name in names), _fate(each)] for each in found.leads]
    columns = [*names, "fate"]
    asker.note("")
    asker.terminal.tell(Counted(asker.terminal, columns, rows, "As they would arrive", head=1, texts=True))
    share = (
        f"Of the first {plural(found.read, 'record')} {plural(sum(found.ignored.values()), 'lead')} would be ignored"
    )
    asker.note(f"{share}: {listing(dict(found.ignored.most_common()))}." if found.ignored else f"{share}.")


def _fate(sample: Sample) -> str:
    if sample.ignored is None:
        return "sent"
    return f"ignored: {sample.ignored}" + (f" ({sample.detail})" if sample.detail else "")
