"""Spans of time as they stand in the YAML: `30s`, `5m`, `1h`, `30d`."""

DURATION = r"^[1-9][0-9]{0,6}[smhd](?!\n)$"
# In Python `$` also matches before a last line end, which the look-ahead takes away; the pattern is JSON Schema's too.
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(duration: str) -> float:
    """The seconds in a text that matches `DURATION`."""
    return float(int(duration[:-1]) * UNITS[duration[-1]])
