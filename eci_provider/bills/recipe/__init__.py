"""
Recipes: how a vendor's file is read. They hold no code, and live beside the DAG, under version control.

``model`` is what a recipe may say, ``loading`` reads one from a dict, a JSON or a YAML file.
May touch api, storage and core, and the errors of bills.
"""
