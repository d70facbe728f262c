"""
What every room needs: base errors, time, texts, paths, temporary files.

It touches nothing of ours, and nothing of Airflow.
"""
