"""What keeps a row from being deleted, found without reading what may be millions of rows."""

from django.db.models import CASCADE, PROTECT, Model


def what_refers_to(row: Model) -> list[str]:
    """The plural names of what still needs `row`, or something that would be deleted with it; empty if nothing does."""
    found: dict[str, None] = {}
    for relation in row._meta.related_objects:  # noqa: SLF001 -- Django's documented interface, as below
        model = relation.related_model
        rows = model._base_manager.filter(**{relation.field.name: row})  # noqa: SLF001
        if relation.on_delete is PROTECT and rows.exists():
            found[str(model._meta.verbose_name_plural)] = None  # noqa: SLF001
        elif relation.on_delete is CASCADE:
            for below in rows:
                found.update(dict.fromkeys(what_refers_to(below)))
    return list(found)
