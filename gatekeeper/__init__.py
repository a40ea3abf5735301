"""Gatekeeper stands between recordings that people may or may not let AI learn from and the Parquet files that ML
teams train on.
"""

__version__ = "0.1.0"
