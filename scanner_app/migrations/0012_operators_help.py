"""What quiet alerts and quicker help need: silences, thresholds, a disable with an end, an act's before and after."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('scanner_app', '0011_api_tokens'),
    ]

    operations = [
        migrations.CreateModel(
            name='WriteCheck',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name='evaluation',
            name='ping_answer',
            field=models.CharField(db_default='', default='', max_length=200),
        ),
        migrations.AddField(
            model_name='evaluation',
            name='pinged_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='notification',
            name='severity',
            field=models.CharField(choices=[('info', 'Info'), ('warning', 'Warning'), ('error', 'Error')], max_length=7, null=True),
        ),
        migrations.AddField(
            model_name='symbol',
            name='disabled_until',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='symbol',
            name='p95_ms',
            field=models.IntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='symbolevent',
            name='detail',
            field=models.JSONField(null=True),
        ),
        migrations.AlterField(
            model_name='symbolevent',
            name='kind',
            field=models.CharField(choices=[('created', 'Created'), ('paused', 'Paused'), ('opened', 'Opened'), ('reopened', 'Reopened'), ('closed', 'Closed'), ('recovered', 'Recovered'), ('held', 'Held'), ('quarantined', 'Quarantined'), ('replayed', 'Replayed'), ('discarded', 'Discarded'), ('replaced', 'Replaced'), ('revised', 'Revised'), ('rerun', 'Rerun'), ('reset', 'Reset'), ('skipped', 'Skipped'), ('enabled', 'Enabled'), ('disabled', 'Disabled'), ('deleted', 'Deleted'), ('lane', 'Lane'), ('calendar', 'Calendar'), ('threshold', 'Threshold'), ('silenced', 'Silenced'), ('unsilenced', 'Unsilenced')], max_length=11),
        ),
        migrations.CreateModel(
            name='Silence',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('rule', models.CharField(blank=True, max_length=40)),
                ('until', models.DateTimeField()),
                ('reason', models.TextField(blank=True)),
                ('created_at', models.DateTimeField()),
                ('created_by', models.CharField(max_length=150)),
                ('ended_at', models.DateTimeField(null=True)),
                ('ended_by', models.CharField(blank=True, max_length=150)),
                ('symbol', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='silences', to='scanner_app.symbol')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('ended_at', None)), fields=['until'], name='silence_in_force')],
            },
        ),
    ]
