from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("scanner_app", "0024_drills"),
    ]

    operations = [
        migrations.AlterField(
            model_name="symbolevent",
            name="kind",
            field=models.CharField(choices=[('created', 'Created'), ('paused', 'Paused'), ('opened', 'Opened'), ('reopened', 'Reopened'), ('closed', 'Closed'), ('recovered', 'Recovered'), ('held', 'Held'), ('quarantined', 'Quarantined'), ('replayed', 'Replayed'), ('discarded', 'Discarded'), ('replaced', 'Replaced'), ('revised', 'Revised'), ('rerun', 'Rerun'), ('reset', 'Reset'), ('skipped', 'Skipped'), ('enabled', 'Enabled'), ('disabled', 'Disabled'), ('deleted', 'Deleted'), ('lane', 'Lane'), ('calendar', 'Calendar'), ('threshold', 'Threshold'), ('version', 'Version'), ('silenced', 'Silenced'), ('unsilenced', 'Unsilenced')], max_length=11),
        ),
        migrations.AddField(
            model_name="signalworth",
            name="rule_id",
            field=models.BigIntegerField(null=True),
        ),
        migrations.RemoveConstraint(
            model_name="signalworth",
            name="worth_of_kind",
        ),
        migrations.AddConstraint(
            model_name="signalworth",
            constraint=models.UniqueConstraint(
                condition=models.Q(("rule_id", None)),
                fields=("detector", "pattern", "direction", "timeframe", "horizon"),
                name="worth_of_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="signalworth",
            constraint=models.UniqueConstraint(
                condition=models.Q(("rule_id__isnull", False)),
                fields=("rule_id", "timeframe", "horizon"),
                name="worth_of_rule",
            ),
        ),
    ]
