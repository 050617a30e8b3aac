"""How each intent becomes a write: one file for each kind of object that is written."""
