"""What revisions, forming and derived bars, re-runs and a signal's provenance need: all columns at once.

The statements by hand in mailbox/sql.py and the tables of millions of rows change once that way. On SQLite every
`AddField` with a value for old rows copies its table; ALTER TABLE with a constant default does not, so the columns
of the two large tables are added by SQL that both databases take. Only the volume that may be unknown, and the
uniqueness of signals, make SQLite copy them, once each.
"""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Case, Value, When


TIMEFRAMES = "1s 1m 2m 3m 5m 10m 15m 30m 1h 2h 3h 4h 6h 8h 12h 1d 3d 1w 1M".split()
KINDS = (
    "created paused opened reopened closed recovered held quarantined replayed discarded replaced revised rerun reset "
    "skipped enabled disabled deleted lane calendar"
).split()


def timeframe() -> models.Field:
    return models.CharField(choices=[(name, name) for name in TIMEFRAMES], max_length=3)


def add_column(model: str, name: str, sql: str, field: models.Field) -> migrations.RunSQL:
    """A column with a constant default, added without a copy of its table."""
    table = f"scanner_app_{model}"
    return migrations.RunSQL(
        f'ALTER TABLE "{table}" ADD COLUMN "{name}" {sql}',
        f'ALTER TABLE "{table}" DROP COLUMN "{name}"',
        state_operations=[migrations.AddField(model_name=model, name=name, field=field)],
    )


def add_flag(model: str, name: str) -> migrations.RunSQL:
    field = models.BooleanField(default=False, db_default=False)
    return add_column(model, name, "boolean DEFAULT FALSE NOT NULL", field)


class Migration(migrations.Migration):

    dependencies = [
        ("scanner_app", "0007_longest_latency"),
    ]

    operations = [
        migrations.AlterField(model_name="bar", name="timeframe", field=timeframe()),
        migrations.AlterField(model_name="signal", name="timeframe", field=timeframe()),
        migrations.AlterField(
            model_name="symbolevent",
            name="kind",
            field=models.CharField(choices=[(kind, kind.capitalize()) for kind in KINDS], max_length=11),
        ),
        add_flag("bar", "revised"),
        add_flag("bar", "assumed"),
        add_flag("bar", "derived"),
        migrations.AlterField(model_name="bar", name="volume", field=models.FloatField(null=True)),
        add_flag("signal", "revised"),
        add_column(
            "signal",
            "detector_version",
            "varchar(64) DEFAULT '' NOT NULL",
            models.CharField(max_length=64, default="", db_default=""),
        ),
        add_column("signal", "window_gaps", "integer NULL", models.IntegerField(null=True)),
        migrations.AddField(model_name="signal", name="withdrawn_at", field=models.DateTimeField(null=True)),
        migrations.RemoveConstraint(model_name="signal", name="signal_once"),
        migrations.AddConstraint(
            model_name="signal",
            constraint=models.UniqueConstraint(
                "bar",
                "detector",
                "pattern",
                Case(When(withdrawn_at=None, then=Value(0)), default="id", output_field=models.BigIntegerField()),
                name="signal_valid_once",
            ),
        ),
        migrations.AddField(
            model_name="symbolstatus", name="revision", field=models.BigIntegerField(default=0, db_default=0)
        ),
        migrations.CreateModel(
            name="BarRevision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("open", models.FloatField()),
                ("high", models.FloatField()),
                ("low", models.FloatField()),
                ("close", models.FloatField()),
                ("volume", models.FloatField(null=True)),
                ("assumed", models.BooleanField(default=False)),
                ("at", models.DateTimeField()),
                ("source", models.CharField(max_length=128)),
                (
                    "bar",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="revisions",
                        to="scanner_app.bar",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Rerun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("timeframe", timeframe()),
                ("first", models.DateTimeField()),
                ("last", models.DateTimeField()),
                ("detector", models.CharField(blank=True, default="", max_length=64)),
                (
                    "cause",
                    models.CharField(
                        choices=[("revision", "Revision"), ("detector", "Detector"), ("base", "Base")], max_length=16
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("next_bar_at", models.DateTimeField(null=True)),
                ("bars_done", models.BigIntegerField(default=0)),
                ("failures", models.IntegerField(default=0)),
                ("next_attempt_at", models.DateTimeField(null=True)),
                ("last_error", models.TextField(default="")),
                (
                    "symbol",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="reruns",
                        to="scanner_app.symbol",
                    ),
                ),
            ],
            options={"indexes": [models.Index(fields=["symbol", "timeframe"], name="rerun_series")]},
        ),
    ]
