"""
Preparing a vendor's file: it is read as a recipe says, and written as EnergyCAP reads it.

``preparing`` does it, with ``records``, ``workbooks`` and ``header`` (the table in the file), ``cells``,
``numbers`` and ``values`` (what is in it), ``rows`` (what each row becomes), ``columns`` (where that is written),
``batches`` (many rows at once), ``ordering`` (starts, sort, rows of one period), ``output``, ``faults`` and
``result``.
May touch api, storage and core, and the recipe, the errors, the sort and the date formats of bills.
"""
