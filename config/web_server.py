"""What gunicorn is told besides its command line: `gunicorn --config python:config.web_server config.wsgi`.

`gunicorn.conf.py` passes it on where gunicorn is started in a checkout without `--config`.
"""

logger_class = "operations.logs.gunicorn.GunicornLogger"
