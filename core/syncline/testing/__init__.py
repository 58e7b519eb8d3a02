"""The kit for authors of plugins: a test of a dozen lines that drives a source or a sink through every fault.

It needs no test runner to be imported; its classes run under pytest as they are.
"""

from .contract import Contract
from .exchange import Call, Forward, Product, Reply
from .faults import Fault
from .promises import BrokenPromise, Promise
from .sinks import SinkContract
from .sources import SourceContract

__all__ = [
    "BrokenPromise",
    "Call",
    "Contract",
    "Fault",
    "Forward",
    "Product",
    "Promise",
    "Reply",
    "SinkContract",
    "SourceContract",
]
