from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_save


class PeopleConfig(AppConfig):
    name = "accounts"
    label = "people"
    verbose_name = "Accounts"

    def ready(self) -> None:
        from auditlog.models import LogEntry  # noqa: PLC0415 -- models exist only once the apps are ready

        from accounts.audit.kept import keep_histories, leave_out_name, name_what_is_referred_to  # noqa: PLC0415
        from accounts.audit.who import sign  # noqa: PLC0415
        from accounts.roles.groups import write_roles  # noqa: PLC0415
        from accounts.second_factor.changes import encrypt_anew  # noqa: PLC0415
        from postbacks.credentials.secrets.rotation import secrets_rotated  # noqa: PLC0415

        # The last app in the settings: by then the permissions of all others exist.
        post_migrate.connect(write_roles, sender=self, dispatch_uid="accounts.roles")
        keep_histories()
        secrets_rotated.connect(encrypt_anew, dispatch_uid="accounts.second_factor")
        pre_save.connect(sign, sender=LogEntry, dispatch_uid="accounts.audit")
        pre_save.connect(leave_out_name, sender=LogEntry, dispatch_uid="accounts.audit.name")
        pre_save.connect(name_what_is_referred_to, sender=LogEntry, dispatch_uid="accounts.audit.references")
