"""The rules, one named function each; `order.py` is the specification of their precedence."""
