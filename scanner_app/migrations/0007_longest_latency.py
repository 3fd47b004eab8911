from django.db import migrations, models


def of_those_kept(apps, schema_editor):
    """What the next bar of each symbol would store."""
    rows = apps.get_model("scanner_app", "SymbolStatus").objects.using(schema_editor.connection.alias)
    for pk, latencies in rows.values_list("pk", "latencies").iterator(chunk_size=50):
        longest = max((pair[0] for pair in latencies), default=0)
        rows.filter(pk=pk).update(longest_latency_ms=longest)


class Migration(migrations.Migration):

    dependencies = [
        ("scanner_app", "0006_roles"),
    ]

    operations = [
        migrations.AddField(
            model_name="symbolstatus",
            name="longest_latency_ms",
            field=models.BigIntegerField(default=0, db_default=0),
        ),
        migrations.RunPython(of_those_kept, migrations.RunPython.noop),
    ]
