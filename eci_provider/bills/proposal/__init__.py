"""
Proposing a recipe: a vendor's file is looked at, and each guess comes with its evidence.

``table`` finds the table, ``columns`` says what is in its columns, ``proposing`` gives them their parts, and
``lines`` is the recipe as YAML, with what is not guessed left open.
May touch api, storage and core, and what prepares a file in bills.
"""
