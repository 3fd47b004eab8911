from django.db import migrations

OPERATE = "Can reset, skip, enable, disable, delete, replay, discard, acknowledge and silence"

READ = [("scanner_app", "symbol", "view_symbol", "Can view symbol")]
ACT = [("scanner_app", "symbol", "operate_symbol", OPERATE)]
MANAGE = [
    ("scanner_app", "bar", "add_bar", "Can add bar"),
    *(("auth", "user", f"{action}_user", f"Can {action} user") for action in ("add", "change", "delete", "view")),
    ("auth", "group", "view_group", "Can view group"),
]
ROLES = {"reader": READ, "operator": READ + ACT, "administrator": READ + ACT + MANAGE}


def make_roles(apps, schema_editor):
    """Make the groups with their permissions.

    On a fresh database there are no permissions yet: Django makes them once all migrations are done, and leaves
    alone those that are there by then. It never changes the name of one, hence update_or_create.
    """
    using = schema_editor.connection.alias
    ContentType = apps.get_model("contenttypes", "ContentType")
    Permission = apps.get_model("auth", "Permission")
    Group = apps.get_model("auth", "Group")
    for role, granted in ROLES.items():
        group, _ = Group.objects.using(using).get_or_create(name=role)
        for app, model, codename, name in granted:
            of, _ = ContentType.objects.using(using).get_or_create(app_label=app, model=model)
            permission, _ = Permission.objects.using(using).update_or_create(
                content_type=of, codename=codename, defaults={"name": name}
            )
            group.permissions.add(permission)


class Migration(migrations.Migration):

    dependencies = [
        ("scanner_app", "0004_request_id"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="symbol",
            options={"ordering": ["ticker"], "permissions": [("operate_symbol", OPERATE)]},
        ),
        # Backwards nothing: the groups have members.
        migrations.RunPython(make_roles, migrations.RunPython.noop, elidable=False),
    ]
