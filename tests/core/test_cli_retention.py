"""Row detail is kept as long as syncline.yaml says; counts are kept for ever."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from syncline.cli import Invocation
from syncline.cli.options import Options
from syncline.cli.running import forget_details
from syncline.clock import Clock
from syncline.errors import SpecError
from syncline.ledger import Ledger
from workshop import Workshop, person


def test_detail_past_its_retention_is_dropped_and_counts_stay(tmp_path: Path, ledger_url: str) -> None:
    with Ledger.open(ledger_url, now=lambda: Clock()() - timedelta(days=8)) as earlier:
        old = Workshop(tmp_path, earlier).run([person("ann", 1), person("ben", 2)])
    with Ledger.open(ledger_url) as ledger:
        shop = Workshop(tmp_path, ledger)
        young = shop.run([person("ann", 1), person("eve", 3)])
        (tmp_path / "syncline.yaml").write_text("retention: 7\n")
        forget_details(Invocation(Options()), shop.executor, shop.bound())
        assert not [frame for frame in ledger.leads(old.id) if frame.height]
        assert ledger.run(old.id).counts.total == 2
        assert sum(frame.height for frame in ledger.leads(young.id)) == 2


def test_a_faulty_syncline_yaml_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "syncline.yaml").write_text("retentoin: 7\n")
    with pytest.raises(SpecError, match=r"syncline\.yaml:1:1: retentoin: unknown key; did you mean 'retention'"):
        Invocation(Options()).settings(tmp_path)
