"""How a deployment is watched: probes for machines, `manage.py doctor` for people, metrics, logs."""
