"""CSP-A, the cascading structured pruning of Hanson, Li, Li and Chen (ISCA 2022): rule, regulariser and compressed format."""
