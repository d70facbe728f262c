"""What earlier versions of the package left in Airflow's database; today's must read it. See README.md."""
