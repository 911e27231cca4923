"""Configuration of gunicorn in addition to its command line: `gunicorn --config python:config.web_server config.wsgi`.

`gunicorn.conf.py` imports it if gunicorn is started in a checkout without `--config`.
"""

logger_class = "operations.logs.gunicorn.GunicornLogger"
