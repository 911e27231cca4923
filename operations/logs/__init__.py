"""Logs: plain lines for people or JSON objects for machines, without secrets, with the id of the request."""
