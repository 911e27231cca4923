"""gunicorn reads this file from the folder in which it is started."""

from config.web_server import logger_class

__all__ = ["logger_class"]
