"""Settings, read from the environment and `.env`; `.env.example` documents every variable.

Without `DATABASE_URL` and `REDIS_URL`, they name the embedded servers, which `devtools.embedded` starts.
"""

import os
import sys
from datetime import timedelta
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from celery.schedules import crontab
from django.core.exceptions import ImproperlyConfigured

from config.content_policy import POLICY as CONTENT_SECURITY_POLICY  # noqa: F401 -- a setting
from config.intervals import Interval
from config.theme import UNFOLD  # noqa: F401 -- a setting: the theme reads it
from devtools.demo.mark import allowed_networks, is_running
from environment import dead_links
from environment.addresses import DATABASE_NAME, DATABASE_USER, is_embedded, redis_socket, socket_dir
from environment.reading import (
    days_kept,
    encryption_keys,
    hours,
    log_level,
    networks,
    one_of,
    origins,
    page_address,
    ports,
    proxy,
    seconds,
    time_zone,
    token,
    web_address,
    whole_number,
)
from environment.secret_key import embedded_encryption_key, embedded_secret_key, is_guessable
from environment.telemetry import sentry_dsn, traces_wanted
from environment.variables import data_dir, env
from operations.logs.setup import logged_attempts, logging_setup
from stores.broker import celery_settings
from stores.replica import ALIAS as REPLICA
from stores.replica.connection import replica_of

DATABASE_IS_EMBEDDED = is_embedded("DATABASE_URL")
REDIS_IS_EMBEDDED = is_embedded("REDIS_URL")
DATA_DIR = data_dir()

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="")
if not SECRET_KEY:
    if not DATABASE_IS_EMBEDDED:
        raise ImproperlyConfigured(
            "DATABASE_URL is set, so SECRET_KEY must be set too: to a long random text, kept secret."
        )
    SECRET_KEY = embedded_secret_key(DATA_DIR)
if not DATABASE_IS_EMBEDDED and is_guessable(SECRET_KEY):
    raise ImproperlyConfigured(
        "SECRET_KEY is too short, or always the same. Anyone who guesses it can sign in as any user. Make one of at "
        "least 50 characters with `openssl rand -hex 48`; then all users sign in again."
    )

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "config",
    "unfold",  # Before the admin: its templates replace the admin's.
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "config.screens.Screens",  # Django's admin.
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "auditlog",
    "axes",
    "django_otp",
    "partners",
    "optimize_sources",
    "actions",
    "postbacks",
    "notices",
    "portal",
    "operations",
    "devtools",
    "accounts",  # Last: its groups get the permissions of all other apps.
]

MIDDLEWARE = [
    "operations.probes.probes",  # Before everything that checks hosts, schemes and sessions.
    "operations.logs.request_ids.request_ids",
    "config.database_time.database_time",  # Before everything that asks the database.
    "django.middleware.security.SecurityMiddleware",
    "config.content_policy.ContentPolicy",
    "portal.sessions.window.window",  # Before whatever reads cookies, and after what it tells how it may be framed.
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "accounts.audit.who.remember_user",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "config.time_zone.time_zone",
    "actions.api.errors.api_answers",
    "config.readable.without_nul",
    "accounts.second_factor.required.second_factor",
    "axes.middleware.AxesMiddleware",  # Last, next to the views, whose refusals it turns into a page.
]

ROOT_URLCONF = "config.urls"

# For the files of the page of the API's document. As an app it would be loaded by each command and worker.
API_FRAMEWORK = Path(str(distribution("django-ninja").locate_file("ninja")))

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [API_FRAMEWORK / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "builtins": ["partners.templatetags.local_times"],  # One way to show a time, for all templates.
        },
    },
]

if DATABASE_IS_EMBEDDED:
    database: dict[str, Any] = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": DATABASE_NAME,
        "USER": DATABASE_USER,
        "HOST": str(socket_dir()),
    }
else:
    database = env.db("DATABASE_URL")
# If DATABASE_URL leads to a pooler that assigns connections per transaction: the server itself, for workers, whose
# locks belong to their connections.
DATABASE_DIRECT: dict[str, Any] | None = None
if env.str("DATABASE_DIRECT_URL", default="").strip():
    if DATABASE_IS_EMBEDDED:
        raise ImproperlyConfigured("DATABASE_DIRECT_URL is set, so DATABASE_URL must be set too: to the pooler.")
    DATABASE_DIRECT = env.db("DATABASE_DIRECT_URL")
DATABASES = {
    "default": {
        **database,
        "CONN_MAX_AGE": 60,
        "DISABLE_SERVER_SIDE_CURSORS": DATABASE_DIRECT is not None,  # They outlive a transaction.
        "CONN_HEALTH_CHECKS": True,  # A connection that a restart of the server broke is noticed and replaced.
        "OPTIONS": {"connect_timeout": 5, **dead_links.OURS, **database.get("OPTIONS", {})},
    }
}
# A replica that serves what only reads; see docs/replica.md. Without one, nothing asks where to read.
if env.str("DATABASE_REPLICA_URL", default="").strip():
    if DATABASE_IS_EMBEDDED:
        raise ImproperlyConfigured("DATABASE_REPLICA_URL is set, so DATABASE_URL must be set too: to its primary.")
    DATABASES[REPLICA] = replica_of(env.db("DATABASE_REPLICA_URL"))
    DATABASE_ROUTERS = ["stores.replica.router.Router"]
    MIDDLEWARE.insert(MIDDLEWARE.index("whitenoise.middleware.WhiteNoiseMiddleware"), "config.replica.Replica")
DATABASE_REPLICA_MAX_LAG_SECONDS = seconds("DATABASE_REPLICA_MAX_LAG_SECONDS", 10)

# After ten failures from one address, nobody can sign in from there for a quarter of an hour. By address, not by name:
# otherwise anyone could lock out an administrator. A success does not reset the count: it may be the attacker's own.
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = ["ip_address"]
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_CLIENT_IP_CALLABLE = "accounts.sign_in.address.client_address"
AXES_LOCKOUT_CALLABLE = "accounts.sign_in.locked_out.locked_out"
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False

# To the dashboard, after a sign-in that no other page asked for.
LOGIN_URL, LOGIN_REDIRECT_URL = "admin:login", "admin:index"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "accounts.sign_in.passwords.StrengthValidator"},
]

# Of whom a second factor is required: nobody (each may set one up), those who may change anything, or all.
SECOND_FACTOR = one_of("SECOND_FACTOR", ("nobody", "changing", "all"), default="nobody")

# Redis holds the pacing and the broker's messages; it can be flushed at any moment, because the database has it all.
REDIS_URL: str = f"unix://{redis_socket()}" if REDIS_IS_EMBEDDED else env.str("REDIS_URL")
# Redis is also the broker, unless CELERY_BROKER_URL names another one; see docs/brokers.md.
CELERY_TASK_DEFAULT_QUEUE = "postbacks"
try:
    of_broker = celery_settings(
        env.str("CELERY_BROKER_URL", default="").strip()
        or (f"redis+socket://{redis_socket()}" if REDIS_IS_EMBEDDED else REDIS_URL),
        quorum=one_of("RABBITMQ_QUEUES", ("classic", "quorum"), default="classic") == "quorum",
    )
except ValueError as error:
    raise ImproperlyConfigured(str(error)) from error
vars().update(of_broker)
CELERY_BROKER_URL: str = of_broker["CELERY_BROKER_URL"]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False  # Tasks say "there is work"; the next sweep makes up for a lost one.
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SEND_TASK_EVENTS = False  # Unless a worker is started with -E.
CELERY_WORKER_HIJACK_ROOT_LOGGER = False  # Only LOGGING below sets up logging.
CELERY_WORKER_CONCURRENCY = whole_number("WORKER_CONCURRENCY", default=os.cpu_count() or 1, most=256)
# Celery would end Django's connection with each task; several tasks come each second. `config.celery` has Django look
# after it instead, as with requests.
CELERY_DB_REUSE_MAX = sys.maxsize
CELERY_TIMEZONE = "UTC"
# None expires: by the clocks of two hosts, a worker whose clock is ahead would drop all that beat posts. Instead, beat
# posts nothing while nobody takes what it has posted (`config/beat.py`).
# No two come together: each takes milliseconds of the processors, for which a delivery of that moment waits.
CELERY_BEAT_SCHEDULE = {
    # Workers run it each second by themselves; those of the release before wait for it.
    "sweep": {"task": "postbacks.tasks.sweep", "schedule": Interval(5)},
    # Also posted by each sweep that finds something for it.
    "replay": {"task": "postbacks.tasks.replay", "schedule": Interval(5, place=0.5)},
    "fold": {"task": "postbacks.tasks.fold", "schedule": Interval(5, place=0.25)},
    "mature": {"task": "actions.tasks.mature", "schedule": Interval(60, place=1.75)},
    "early changes": {"task": "actions.tasks.early_changes", "schedule": Interval(5, place=2.75)},
    "notify": {"task": "postbacks.tasks.notify", "schedule": Interval(30, place=3.25)},
    # Each hour of the night: the next run continues what one did not finish, or a restart cut off.
    "prune": {
        "task": "postbacks.tasks.prune",
        "schedule": crontab(minute="17", hour=hours("PRUNE_HOURS", default="1-5")),
    },
}
CELERY_BEAT_SCHEDULER = "config.beat.Scheduler"


# Keys for header values and signing keys in the database: the first encrypts, all of them decrypt.
POSTBACKS_ENCRYPTION_KEYS = encryption_keys("POSTBACKS_ENCRYPTION_KEYS")
if not POSTBACKS_ENCRYPTION_KEYS:
    if not DATABASE_IS_EMBEDDED:
        raise ImproperlyConfigured(
            "DATABASE_URL is set, so POSTBACKS_ENCRYPTION_KEYS must be set too. Make a key with "
            "`openssl rand -base64 32`, and keep a copy apart from the database: without it, the secrets there cannot "
            "be read."
        )
    POSTBACKS_ENCRYPTION_KEYS = [embedded_encryption_key(DATA_DIR)]

POSTBACKS_ALLOWED_NETWORKS = networks("POSTBACKS_ALLOWED_NETWORKS") + allowed_networks(DATA_DIR)
DEMO_RUNS = is_running(DATA_DIR)  # For `manage.py doctor`.
POSTBACKS_ALLOWED_PORTS = ports("POSTBACKS_ALLOWED_PORTS", default=(range(80, 81), range(443, 444), range(1024, 65536)))
POSTBACKS_EGRESS_PROXY = proxy("POSTBACKS_EGRESS_PROXY")
# The default is what common servers accept in a request line; the limit is that of a body.
POSTBACKS_MAX_URL_BYTES = whole_number("POSTBACKS_MAX_URL_BYTES", default=8192, most=256 * 1024)
POSTBACKS_CONNECT_TIMEOUT = seconds("POSTBACKS_CONNECT_TIMEOUT", 5)
POSTBACKS_RESPONSE_TIMEOUT = seconds("POSTBACKS_RESPONSE_TIMEOUT", 10)
POSTBACKS_TOTAL_TIMEOUT = seconds("POSTBACKS_TOTAL_TIMEOUT", 15)
POSTBACKS_SHUTDOWN_TIMEOUT = seconds("POSTBACKS_SHUTDOWN_TIMEOUT", 20)

# Each minute has a row for each postback that was busy in it: a thousand busy ones make 1.4 million rows a day.
POSTBACKS_ROLLUP_MINUTES_KEPT_DAYS = whole_number("POSTBACKS_ROLLUP_MINUTES_KEPT_DAYS", default=3, most=366)
POSTBACKS_ROLLUP_HOURS_KEPT_DAYS = whole_number("POSTBACKS_ROLLUP_HOURS_KEPT_DAYS", default=400, most=36_600)

# Days that data is kept, 0 for forever; see docs/operations.md.
POSTBACKS_TEXTS_KEPT_DAYS = days_kept("POSTBACKS_TEXTS_KEPT_DAYS", default=30)
POSTBACKS_DELIVERIES_KEPT_DAYS = days_kept("POSTBACKS_DELIVERIES_KEPT_DAYS", default=400)
PERSONAL_DATA_KEPT_DAYS = days_kept("PERSONAL_DATA_KEPT_DAYS", default=90)
ACTIONS_KEPT_DAYS = days_kept("ACTIONS_KEPT_DAYS", default=0)
API_SUBMISSIONS_KEPT_DAYS = days_kept("API_SUBMISSIONS_KEPT_DAYS", default=90)

# Whose daily exchange rates are fetched: nobody's, or those of the European Central Bank. Days that were missed are in
# the history.
EXCHANGE_RATES = one_of("EXCHANGE_RATES", ("typed", "ecb"), default="typed")
EXCHANGE_RATES_URL = web_address(
    "EXCHANGE_RATES_URL", default="https://www.ecb.europa.eu/stats/eurofxref/eurofxref-daily.xml"
)
EXCHANGE_RATES_HISTORY_URL = web_address(
    "EXCHANGE_RATES_HISTORY_URL", default="https://www.ecb.europa.eu/stats/eurofxref/eurofxref-hist-90d.xml"
)
# From Thursday before Easter, the next ones are those of Tuesday, which come in the afternoon: five days.
EXCHANGE_RATES_LATE_DAYS = whole_number("EXCHANGE_RATES_LATE_DAYS", default=6, most=366)
EXCHANGE_RATES_USED_DAYS = whole_number("EXCHANGE_RATES_USED_DAYS", default=30, most=36_600)
EXCHANGE_RATES_MOST_CHANGE_PERCENT = whole_number("EXCHANGE_RATES_MOST_CHANGE_PERCENT", default=10, most=1000)
if EXCHANGE_RATES == "ecb":  # Each hour, since the day's rates may be late. It ends at once where they are there.
    CELERY_BEAT_SCHEDULE["exchange rates"] = {"task": "operations.tasks.fetch_rates", "schedule": crontab(minute="41")}

# For each token of the conversion API.
API_REQUESTS_PER_SECOND = whole_number("API_REQUESTS_PER_SECOND", default=1000, most=1_000_000)

# The token for /metrics. Without one, nobody can see it.
METRICS_TOKEN = token("METRICS_TOKEN")

# Traces by OpenTelemetry, whose own variables name the collector and the part that is recorded. The `traceparent` of
# those who report is followed only on request: it lets them decide what is recorded.
TRACES = traces_wanted()
TRACES_CONTINUED = env.bool("TRACES_CONTINUED", default=False)

# Errors go to Sentry, without what they are about (`operations.errors`).
SENTRY_DSN = sentry_dsn()
SENTRY_ENVIRONMENT = env.str("SENTRY_ENVIRONMENT", default="production")

# Where users reach the pages, for links in notices: without it, there are none.
PUBLIC_URL = page_address("PUBLIC_URL")
# Who is notified when a destination is held or released, beside the channels that are set up on the pages. Without
# EMAIL_URL, mail is printed instead of sent.
POSTBACKS_NOTICE_EMAILS = env.list("POSTBACKS_NOTICE_EMAILS", default=[])
vars().update(env.email_url("EMAIL_URL", default="consolemail://"))
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="postbacks@localhost")
EMAIL_TIMEOUT = 10

# The partners' window: which pages may show it in a frame, and from where partners are called, for their firewalls.
PORTAL_FRAME_ORIGINS = origins("PORTAL_FRAME_ORIGINS")
PORTAL_CALLS_FROM = networks("PORTAL_CALLS_FROM")

LANGUAGE_CODE = "en-us"
TIME_ZONE = time_zone("TIME_ZONE", default="UTC")
USE_TZ = True
FORMAT_MODULE_PATH = "config.formats"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# What the database may spend on a request, so that no page takes all of it: reading a page, with all that it needs; and
# each statement of what records thousands of reports.
WEB_STATEMENT_SECONDS = seconds("WEB_STATEMENT_SECONDS", 5)
WEB_LONG_STATEMENT_SECONDS = seconds("WEB_LONG_STATEMENT_SECONDS", 60)
# Of a file of reports that is uploaded on a page.
UPLOAD_MAX_BYTES = whole_number("UPLOAD_MAX_MEGABYTES", default=10, most=64) * 1024 * 1024

# Static files come directly from their packages: there is no collectstatic to forget.
STATIC_URL = "static/"
STATICFILES_DIRS = [API_FRAMEWORK / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

# For use behind a proxy with TLS. The embedded default is visited over plain HTTP on the same machine.
HTTPS_ONLY = env.bool("HTTPS_ONLY", default=not DEBUG and not DATABASE_IS_EMBEDDED)
# How many of our own proxies append to X-Forwarded-For before a request arrives.
TRUSTED_PROXIES = whole_number("TRUSTED_PROXIES", default=int(HTTPS_ONLY), least=0, most=9)
SESSION_COOKIE_AGE = whole_number("SESSION_HOURS", default=12, most=24 * 30) * 3600
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_SECURE = HTTPS_ONLY
CSRF_COOKIE_SECURE = HTTPS_ONLY
SECURE_SSL_REDIRECT = HTTPS_ONLY
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS_ONLY else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS_ONLY else 0
# HSTS for subdomains and preload lists are up to the owner of the domain, at the proxy.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

DEFAULT_EXCEPTION_REPORTER_FILTER = "config.error_report.WithoutSecrets"
LOGGING = logging_setup(log_level("LOG_LEVEL", default="INFO"))
# Which attempts are logged: none, failed or all.
LOG_ATTEMPTS = logged_attempts()
