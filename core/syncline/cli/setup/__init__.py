"""What `syncline init` asks, in the order of the product's own set-up page, and what it makes of the answers."""

from .answers import Answers, answers_of
from .wizard import Made, Wizard

__all__ = ["Answers", "Made", "Wizard", "answers_of"]
