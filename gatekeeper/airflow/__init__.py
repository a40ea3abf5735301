"""What the DAG files in ``dags/`` are made of: commands as tasks, declarations at parse time, a trigger on Kafka's lag.

Rules of this folder: a task runs one ``gatekeeper`` command, so that whatever failed can be repeated without Airflow;
nothing here decides; parsing a DAG file reads ``datasets/*.yaml`` and ``gatekeeper.yaml`` and nothing else.
"""
