"""gunicorn reads this file by itself, from the folder in which it is started."""

logger_class = "config.operations.logs.gunicorn.GunicornLogger"
