from django.apps import AppConfig


class PostbacksConfig(AppConfig):
    name = "postbacks"
    verbose_name = "Postbacks"

    def ready(self) -> None:
        from postbacks import outbox, validation  # noqa: PLC0415 -- models exist only once the apps are ready

        outbox.connect()
        validation.connect()
