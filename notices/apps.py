from django.apps import AppConfig


class NoticesConfig(AppConfig):
    name = "notices"
    verbose_name = "Notices"

    def ready(self) -> None:
        from notices.addresses import encrypt_anew  # noqa: PLC0415 -- models exist only once the apps are ready
        from postbacks.credentials.secrets.rotation import secrets_rotated  # noqa: PLC0415 -- as above

        secrets_rotated.connect(encrypt_anew, dispatch_uid="notices.addresses")
