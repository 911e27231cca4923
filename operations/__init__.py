"""Watching and maintaining a deployment: probes, `manage.py doctor`, metrics, logs, retention."""
