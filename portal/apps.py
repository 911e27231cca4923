from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "portal"
    verbose_name = "Partner portal"

    def ready(self) -> None:
        from portal.proposals.rotation import encrypt_anew  # noqa: PLC0415 -- models exist only once the apps are ready
        from postbacks.credentials.secrets.rotation import secrets_rotated  # noqa: PLC0415 -- as above

        secrets_rotated.connect(encrypt_anew, dispatch_uid="portal.proposals")
