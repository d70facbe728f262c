"""Check the links of the built documentation; ``make docs`` does so."""
