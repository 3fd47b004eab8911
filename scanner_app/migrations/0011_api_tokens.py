import hashlib

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

OLD = "authtoken_token"
"""The table of REST framework's tokens, which held them as they are."""


def take_over(apps, schema_editor):
    """Tokens from before keep working: their hashes are stored, and the table with the tokens themselves goes."""
    connection = schema_editor.connection
    with connection.cursor() as cursor:
        if OLD not in connection.introspection.table_names(cursor):
            return
        cursor.execute(f"SELECT key, user_id, created FROM {OLD}")
        ApiToken = apps.get_model("scanner_app", "ApiToken")
        created = connection.ops.get_db_converters(ApiToken._meta.get_field("created_at").get_col(OLD))
        rows = []
        for key, user_id, at in cursor.fetchall():
            for convert in created:
                at = convert(at, None, connection)
            rows.append(
                ApiToken(
                    user_id=user_id,
                    name="from before tokens had names",
                    scope="operate",
                    digest=hashlib.sha256(key.encode()).hexdigest(),
                    hint=key[:4],
                    created_at=at,
                )
            )
        ApiToken.objects.using(connection.alias).bulk_create(rows)
        if connection.vendor == "sqlite":
            # Otherwise the bytes stay in the file until something else is written over them.
            cursor.execute("PRAGMA secure_delete = ON")
        cursor.execute(f"DELETE FROM {OLD}")
        cursor.execute(f"DROP TABLE {OLD}")
    # Their permissions and content types, which Django would keep for ever.
    apps.get_model("contenttypes", "ContentType").objects.using(connection.alias).filter(app_label="authtoken").delete()


class Migration(migrations.Migration):

    dependencies = [
        ("scanner_app", "0010_rerun_leases"),
        ("contenttypes", "0002_remove_content_type_name"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ApiToken",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(blank=True, max_length=100)),
                ("scope", models.CharField(choices=[("read", "Read"), ("feed", "Feed"), ("operate", "Operate")], max_length=7)),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("hint", models.CharField(max_length=20)),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField(null=True)),
                ("last_used_at", models.DateTimeField(null=True)),
                ("user", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="api_tokens", to=settings.AUTH_USER_MODEL)),
            ],
            options={
                "verbose_name": "API token",
                "indexes": [models.Index(fields=["user", "id"], name="token_user_newest")],
            },
        ),
        migrations.CreateModel(
            name="KnownAddress",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("address", models.CharField(max_length=45)),
                ("at", models.DateTimeField()),
                ("user", models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="known_addresses", to=settings.AUTH_USER_MODEL)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("user", "address"), name="known_address")],
            },
        ),
        # Backwards nothing: hashes can't be made tokens again.
        migrations.RunPython(take_over, migrations.RunPython.noop, elidable=False),
    ]
