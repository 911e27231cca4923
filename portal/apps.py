from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "portal"
    verbose_name = "Partner portal"

    def ready(self) -> None:
        from portal.admin.section import links_section  # noqa: PLC0415 -- models exist only once the apps are ready
        from postbacks.admin.integrations.sections import add_section  # noqa: PLC0415

        add_section(links_section)
