from django.db import migrations, models


def add_the_row(apps, schema_editor):
    apps.get_model("scanner_app", "StreamState").objects.get_or_create(pk=1)


class Migration(migrations.Migration):

    dependencies = [
        ("scanner_app", "0020_channels"),
    ]

    operations = [
        migrations.CreateModel(
            name='StreamEntry',
            fields=[
                ('number', models.BigIntegerField(primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('signal', 'Signal'), ('hit', 'Hit')], max_length=6)),
                ('row_id', models.BigIntegerField()),
                ('at', models.DateTimeField()),
            ],
            options={
                'verbose_name_plural': 'stream entries',
            },
        ),
        migrations.CreateModel(
            name='StreamState',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('last_number', models.BigIntegerField(default=0)),
                ('begins_after', models.BigIntegerField(default=0)),
                ('numbered_at', models.DateTimeField(null=True)),
                ('signals_done', models.BigIntegerField(default=0)),
                ('hits_done', models.BigIntegerField(default=0)),
                ('signals_seen', models.BigIntegerField(default=0)),
                ('hits_seen', models.BigIntegerField(default=0)),
                ('signals_marked', models.BigIntegerField(default=0)),
                ('hits_marked', models.BigIntegerField(default=0)),
                ('first_later_transaction', models.BigIntegerField(null=True)),
            ],
        ),
        migrations.AddConstraint(
            model_name='streamentry',
            constraint=models.UniqueConstraint(fields=('kind', 'row_id'), name='stream_entry_once'),
        ),
        migrations.RunPython(add_the_row, migrations.RunPython.noop),
    ]
