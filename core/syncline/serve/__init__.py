"""The run loop: every sync runs when it is due, once, whoever serves."""

from .definitions import Applied, Definitions, Step
from .folder import Folder
from .loop import Loop
from .telling import Teller

__all__ = ["Applied", "Definitions", "Folder", "Loop", "Step", "Teller"]
