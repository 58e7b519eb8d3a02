"""Plans: what a folder of specs would change in a ledger, said before it is done, and then done exactly so."""

from .comparison import compare
from .execution import Done, Origins, carry_out
from .model import ACTING, Action, Kind, Plan
from .resending import sent_again
from .saving import Saved, digests, load, refusals, save

__all__ = [
    "ACTING",
    "Action",
    "Done",
    "Kind",
    "Origins",
    "Plan",
    "Saved",
    "carry_out",
    "compare",
    "digests",
    "load",
    "refusals",
    "save",
    "sent_again",
]
