"""Tell a re-run's lease that has expired, because its worker died, from a span that was given back.

The table has few rows, so copying it costs SQLite nothing.
"""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("scanner_app", "0009_forming_bars"),
    ]

    operations = [
        migrations.AddField(
            model_name="rerun", name="taken", field=models.BooleanField(default=False, db_default=False)
        ),
        migrations.AddField(model_name="rerun", name="careful", field=models.IntegerField(default=0, db_default=0)),
    ]
