"""Postbacks say how their receivers want to be asked: HTTP Basic, OAuth 2.0, a client certificate, authorities."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('postbacks', '0020_try_now'),
    ]

    operations = [
        migrations.AddField(
            model_name='postback',
            name='authentication',
            field=models.CharField(choices=[('none', 'None, or by headers'), ('basic', 'HTTP Basic'), ('oauth2', 'OAuth 2.0 client credentials')], db_default='none', default='none', max_length=6),
        ),
        migrations.AddField(
            model_name='postback',
            name='basic_password',
            field=models.TextField(blank=True, db_default='', default='', verbose_name='Password'),
        ),
        migrations.AddField(
            model_name='postback',
            name='basic_user',
            field=models.TextField(blank=True, db_default='', default='', verbose_name='User'),
        ),
        migrations.AddField(
            model_name='postback',
            name='client_certificate',
            field=models.TextField(blank=True, db_default='', default='', verbose_name='Client certificate'),
        ),
        migrations.AddField(
            model_name='postback',
            name='client_key',
            field=models.TextField(blank=True, db_default='', default='', verbose_name='Its private key'),
        ),
        migrations.AddField(
            model_name='postback',
            name='oauth_audience',
            field=models.TextField(blank=True, db_default='', default='', verbose_name='Audience'),
        ),
        migrations.AddField(
            model_name='postback',
            name='oauth_client_auth',
            field=models.CharField(choices=[('header', 'In the header (HTTP Basic)'), ('body', 'In the body')], db_default='header', default='header', max_length=6, verbose_name='Client id and secret'),
        ),
        migrations.AddField(
            model_name='postback',
            name='oauth_client_id',
            field=models.TextField(blank=True, db_default='', default='', verbose_name='Client id'),
        ),
        migrations.AddField(
            model_name='postback',
            name='oauth_client_secret',
            field=models.TextField(blank=True, db_default='', default='', verbose_name='Client secret'),
        ),
        migrations.AddField(
            model_name='postback',
            name='oauth_parameters',
            field=models.TextField(blank=True, db_default='', default='', verbose_name='More parameters'),
        ),
        migrations.AddField(
            model_name='postback',
            name='oauth_scope',
            field=models.TextField(blank=True, db_default='', default='', verbose_name='Scope'),
        ),
        migrations.AddField(
            model_name='postback',
            name='oauth_token_url',
            field=models.TextField(blank=True, db_default='', default='', verbose_name='Token URL'),
        ),
        migrations.AddField(
            model_name='postback',
            name='trusted_authorities',
            field=models.TextField(blank=True, db_default='', default='', verbose_name='Trusted authorities'),
        ),
    ]
