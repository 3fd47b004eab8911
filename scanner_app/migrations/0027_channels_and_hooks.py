from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("scanner_app", "0025_worth_of_rules"),
    ]

    operations = [
        migrations.AddField(
            model_name='channel',
            name='shared',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='hook',
            name='tickers',
            field=models.JSONField(db_default={}, default=dict),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(fields=['channel', 'id'], name='delivery_channel_newest'),
        ),
    ]
