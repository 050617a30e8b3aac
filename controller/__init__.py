"""The operator: observe, decide, act. `docs/architecture.md` tells the story of the folders."""
