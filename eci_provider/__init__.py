"""EnergyCAP for Apache Airflow: move utility bills into EnergyCAP, once each, and know what became of them."""

__version__ = "0.2.0"
