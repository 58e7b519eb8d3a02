"""The run loop: every sync runs when it is due, once, whoever serves."""

from .definitions import Applied, Definitions
from .folder import Folder
from .followed import Followed
from .loop import Loop
from .telling import Teller

__all__ = ["Applied", "Definitions", "Folder", "Followed", "Loop", "Teller"]
