"""Git: who last changed a file, and following a branch. The only room that runs the program git."""

from __future__ import annotations

from .branch import Branch, Revision
from .origin import Origin, origin_of, origins_of
from .place import Taken

__all__ = ["Branch", "Origin", "Revision", "Taken", "origin_of", "origins_of"]
