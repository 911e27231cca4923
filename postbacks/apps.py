from django.apps import AppConfig


class PostbacksConfig(AppConfig):
    name = "postbacks"
    verbose_name = "Postbacks"

    def ready(self) -> None:
        from postbacks import database, outbox, validation  # noqa: PLC0415 -- models exist only once the apps are ready

        database.watch_links()
        outbox.connect()
        validation.connect()
