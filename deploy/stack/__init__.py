"""The real thing on one machine, without containers: a Kafka broker, an S3 server, Airflow, a workspace on all three.

``python -m deploy.stack`` (``make stack``) starts it and stops it; the tests start the same pieces on free ports.
Rules of this folder: servers listen on loopback only, each in a session of its own, so that stopping one leaves nothing
behind; nothing here is for production (``deploy/README.md`` says what is).
"""
