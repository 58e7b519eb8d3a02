"""Notices: people hear of failures, of syncs that ended, of recoveries and of degraded runs, by webhook and e-mail."""

from .notice import Notice
from .observer import Notices
from .receiver import Receiver, receivers

__all__ = ["Notice", "Notices", "Receiver", "receivers"]
