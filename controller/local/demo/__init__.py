"""`make demo`: four releases of a shop on this machine, told live, measured by its true ledger."""

from controller.local.demo.main import main

__all__ = ["main"]
