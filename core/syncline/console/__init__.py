"""What people see: a terminal that shows foreign text safely, tables, progress and stories."""

from .terminal import Terminal
from .text import neutral

__all__ = ["Terminal", "neutral"]
