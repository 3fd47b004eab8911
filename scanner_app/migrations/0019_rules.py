"""Traders' rules, what they said last, and their hits."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("scanner_app", "0018_watch_lists"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Hit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('rule_id', models.BigIntegerField()),
                ('timeframe', models.CharField(choices=[('1s', '1s'), ('1m', '1m'), ('2m', '2m'), ('3m', '3m'), ('5m', '5m'), ('10m', '10m'), ('15m', '15m'), ('30m', '30m'), ('1h', '1h'), ('2h', '2h'), ('3h', '3h'), ('4h', '4h'), ('6h', '6h'), ('8h', '8h'), ('12h', '12h'), ('1d', '1d'), ('3d', '3d'), ('1w', '1w'), ('1M', '1M')], max_length=3)),
                ('timestamp', models.DateTimeField()),
                ('values', models.JSONField()),
                ('late', models.BooleanField(default=False)),
                ('created_at', models.DateTimeField()),
                ('bar', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='hits', to='scanner_app.bar')),
                ('symbol', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='hits', to='scanner_app.symbol')),
            ],
            options={
                'indexes': [models.Index(fields=['rule_id', 'id'], name='hit_rule_newest'), models.Index(fields=['symbol', 'id'], name='hit_symbol_newest'), models.Index(fields=['timestamp'], name='hit_timestamp')],
                'constraints': [models.UniqueConstraint(fields=('bar', 'rule_id'), name='hit_once')],
            },
        ),
        migrations.CreateModel(
            name='Rule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100)),
                ('expression', models.TextField()),
                ('timeframes', models.JSONField()),
                ('cooldown_s', models.IntegerField(default=0)),
                ('tell_within_s', models.IntegerField(null=True)),
                ('tell_late', models.BooleanField(default=False)),
                ('enabled', models.BooleanField(default=True)),
                ('shared', models.BooleanField(default=False)),
                ('channels', models.JSONField(default=list)),
                ('revision', models.BigIntegerField(default=1)),
                ('created_at', models.DateTimeField()),
                ('changed_at', models.DateTimeField()),
                ('deleted_at', models.DateTimeField(null=True)),
                ('owner', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='rules', to=settings.AUTH_USER_MODEL)),
                ('watchlist', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='rules', to='scanner_app.watchlist')),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('deleted_at', None)), fields=('owner', 'name'), name='rule_name_of_owner')],
            },
        ),
        migrations.CreateModel(
            name='RuleFailure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('rule_id', models.BigIntegerField()),
                ('timeframe', models.CharField(choices=[('1s', '1s'), ('1m', '1m'), ('2m', '2m'), ('3m', '3m'), ('5m', '5m'), ('10m', '10m'), ('15m', '15m'), ('30m', '30m'), ('1h', '1h'), ('2h', '2h'), ('3h', '3h'), ('4h', '4h'), ('6h', '6h'), ('8h', '8h'), ('12h', '12h'), ('1d', '1d'), ('3d', '3d'), ('1w', '1w'), ('1M', '1M')], max_length=3)),
                ('timestamp', models.DateTimeField()),
                ('revision', models.BigIntegerField()),
                ('error', models.TextField()),
                ('at', models.DateTimeField()),
                ('symbol', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='rule_failures', to='scanner_app.symbol')),
            ],
            options={
                'indexes': [models.Index(fields=['symbol'], name='rule_failure_symbol')],
                'constraints': [models.UniqueConstraint(fields=('rule_id', 'symbol', 'timeframe'), name='rule_failure_series')],
            },
        ),
        migrations.CreateModel(
            name='RuleStates',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('timeframe', models.CharField(choices=[('1s', '1s'), ('1m', '1m'), ('2m', '2m'), ('3m', '3m'), ('5m', '5m'), ('10m', '10m'), ('15m', '15m'), ('30m', '30m'), ('1h', '1h'), ('2h', '2h'), ('3h', '3h'), ('4h', '4h'), ('6h', '6h'), ('8h', '8h'), ('12h', '12h'), ('1d', '1d'), ('3d', '3d'), ('1w', '1w'), ('1M', '1M')], max_length=3)),
                ('states', models.JSONField()),
                ('symbol', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='rule_states', to='scanner_app.symbol')),
            ],
            options={
                'verbose_name_plural': 'rule states',
                'constraints': [models.UniqueConstraint(fields=('symbol', 'timeframe'), name='rule_states_series')],
            },
        ),
    ]
