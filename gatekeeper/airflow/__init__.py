"""What the DAG files in ``dags/`` and the run's page in Airflow are made of.

Commands as tasks (``command``), a person's answer (``answers``), declarations at parse time (``declared``), a trigger
on Kafka's lag (``kafka_lag``); the tab "Rights review" (``plugin``, ``site``) and its pages (``pages``, ``shares``).

Rules of this folder: a task, and a page, runs one ``gatekeeper`` command, so that whatever failed can be repeated
without Airflow; nothing here decides; parsing a DAG file reads ``datasets/*.yaml`` and ``gatekeeper.yaml`` and nothing
else.
"""
