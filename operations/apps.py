from django.apps import AppConfig
from django.db.models.signals import post_migrate


class OperationsConfig(AppConfig):
    name = "operations"

    def ready(self) -> None:
        from operations.after_restore.cluster import note_first  # noqa: PLC0415 -- models exist only once apps are ready

        # Of an app with tables: without any, there is no such signal.
        post_migrate.connect(note_first, sender=_postbacks(), dispatch_uid="operations.after_restore")


def _postbacks() -> AppConfig:
    from django.apps import apps  # noqa: PLC0415 -- as above

    return apps.get_app_config("postbacks")
