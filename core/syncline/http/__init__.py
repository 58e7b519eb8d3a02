"""HTTP for connections: one client per product API, with budgets, retries, token renewal, limits and redaction."""

from .answer import Answer
from .client import Client, Patience

__all__ = ["Answer", "Client", "Patience"]
