from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "portal"
    verbose_name = "Partner portal"

    def ready(self) -> None:
        from portal.admin.section import links_section  # noqa: PLC0415 -- models exist only once the apps are ready
        from portal.proposals.rotation import encrypt_anew  # noqa: PLC0415
        from postbacks.admin.integrations.sections import add_section  # noqa: PLC0415
        from postbacks.credentials.secrets.rotation import secrets_rotated  # noqa: PLC0415

        add_section(links_section)
        secrets_rotated.connect(encrypt_anew, dispatch_uid="portal.proposals")
