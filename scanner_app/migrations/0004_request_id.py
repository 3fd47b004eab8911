from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('scanner_app', '0003_alerts'),
    ]

    operations = [
        migrations.AddField(
            model_name='bar',
            name='request_id',
            field=models.CharField(max_length=64, null=True),
        ),
    ]
