from django.apps import AppConfig
from django.db.models.signals import post_migrate


class PeopleConfig(AppConfig):
    name = "people"
    verbose_name = "People"

    def ready(self) -> None:
        from people.roles.groups import write_roles  # noqa: PLC0415 -- models exist only once the apps are ready

        # The last app of the settings: by then the permissions of all the others exist.
        post_migrate.connect(write_roles, sender=self, dispatch_uid="people.roles")
