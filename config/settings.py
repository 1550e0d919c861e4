"""Every setting of the service, read from the environment once; none is needed (README.md here)."""

from datetime import timedelta
from pathlib import Path

from django.templatetags.static import static
from django.urls import reverse

from config import databases, embedded, environment
from config.logging import LOGGING as LOGGING
from config.palette import PRIMARY
from config.secret import session_secret

BASE_DIR = Path(__file__).parents[1]

# The installation -----------------------------------------------------------------------------

MUNIMENT_HOME = environment.folder("MUNIMENT_HOME", embedded.DEFAULT_HOME)
MUNIMENT_KEYS = environment.folder("MUNIMENT_KEYS", MUNIMENT_HOME / "keys")
MUNIMENT_ANCHOR = environment.folder("MUNIMENT_ANCHOR", MUNIMENT_HOME / "anchor")
MUNIMENT_JOURNAL = environment.folder("MUNIMENT_JOURNAL", MUNIMENT_HOME / "journal")
MUNIMENT_FILES = environment.folder("MUNIMENT_FILES", MUNIMENT_HOME / "files")
MUNIMENT_ORIGIN = environment.text("MUNIMENT_ORIGIN", "log.example")
MUNIMENT_ORGANISATION = environment.text("MUNIMENT_ORGANISATION", "An Invented Organisation")
# How the organisation is named as controller in consent records, and where consent is withdrawn.
MUNIMENT_ORGANISATION_ADDRESS = environment.text(
    "MUNIMENT_ORGANISATION_ADDRESS", "1 Invented Street, Invented Town"
)
MUNIMENT_ORGANISATION_CONTACT = environment.text(
    "MUNIMENT_ORGANISATION_CONTACT", "privacy@organisation.example"
)
MUNIMENT_ORGANISATION_COUNTRY = environment.text("MUNIMENT_ORGANISATION_COUNTRY", "DE")
_PORT = environment.integer("MUNIMENT_PORT", 8000, least=1, most=65535)
# The address of this service as letters name it: never taken from what a request claims.
MUNIMENT_URL = environment.text("MUNIMENT_URL", f"http://127.0.0.1:{_PORT}").rstrip("/")
MUNIMENT_WITHDRAWAL = environment.text("MUNIMENT_WITHDRAWAL", f"{MUNIMENT_URL}/portal/")
MUNIMENT_ROLE = environment.choice("MUNIMENT_ROLE", databases.ROLES, "app")
MUNIMENT_PUBLIC_LOG = environment.choice("MUNIMENT_PUBLIC_LOG", ("off", "tiles", "entries"), "off")
MUNIMENT_EMBEDDED = databases.is_embedded()

# Within how many seconds a record has its place under a signed checkpoint; later is an alarm.
MUNIMENT_MAX_MERGE_DELAY = environment.integer("MUNIMENT_MAX_MERGE_DELAY", 60, least=5, most=86_400)

# An RFC 3161 time-stamp authority, and the PEM file of the roots that alone may vouch for it.
MUNIMENT_TSA_URL = environment.text("MUNIMENT_TSA_URL", "")
MUNIMENT_TSA_ROOTS = environment.text("MUNIMENT_TSA_ROOTS", "")

# Largest bodies, in bytes: of an upload with files, and of any other request.
MUNIMENT_UPLOAD_BYTES = environment.integer(
    "MUNIMENT_UPLOAD_BYTES", 20 << 20, least=1 << 20, most=200 << 20
)
MUNIMENT_BODY_BYTES = 1 << 20
# Of a table or description that is imported, which is never held in memory as a whole.
MUNIMENT_IMPORT_BYTES = environment.integer(
    "MUNIMENT_IMPORT_BYTES", 1 << 30, least=1 << 20, most=1 << 36
)

# How many records share a table: enough that there are few, and few enough to leave together.
MUNIMENT_PARTITION_RECORDS = environment.integer(
    "MUNIMENT_PARTITION_RECORDS", 1 << 22, least=1 << 10, most=1 << 30
)
# Records younger than this never leave the database, whatever is asked for: the legal floor.
MUNIMENT_RETENTION_DAYS = environment.integer("MUNIMENT_RETENTION_DAYS", 183, least=0, most=36525)

# What /readyz asks: functions that yield one sentence for each thing that is not ready.
MUNIMENT_READINESS = [
    "config.health.silent_databases",
    "config.health.missing_migrations",
    "ledger.readiness.unreplayed_destructions",
]

# Letters ----------------------------------------------------------------------------------------

_POST = environment.post("MUNIMENT_MAIL_URL")
EMAIL_BACKEND, EMAIL_FILE_PATH = _POST.backend, MUNIMENT_HOME / "mail"
EMAIL_HOST, EMAIL_PORT = _POST.host, _POST.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _POST.user, _POST.password
EMAIL_USE_TLS, EMAIL_USE_SSL = _POST.starts_tls, _POST.is_tls
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = environment.text("MUNIMENT_MAIL_FROM", "no-reply@muniment.example")

# Databases ------------------------------------------------------------------------------------

DATABASES = databases.of_home(MUNIMENT_HOME, MUNIMENT_ROLE)
DATABASE_ROUTERS = ["ledger.routers.KeystoreRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "consent.Account"
AUTHENTICATION_BACKENDS = ["consent.authentication.AddressBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# Django ---------------------------------------------------------------------------------------

SECRET_KEY = session_secret(MUNIMENT_HOME, embedded=MUNIMENT_EMBEDDED)
DEBUG = environment.flag("MUNIMENT_DEBUG", default=False)
ALLOWED_HOSTS = environment.words("MUNIMENT_HOSTS", "127.0.0.1,localhost,[::1]")
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
INSTALLED_APPS = [
    "config",
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.simple_history",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "oauth2_provider",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "simple_history",
    "ledger",
    "ledger.keystore",
    "consent",
    "generation",
]
MIDDLEWARE = [
    "config.metrics.Measured",
    "config.middleware.ReplayedFirst",
    "config.middleware.BodyLimit",
    "django.middleware.security.SecurityMiddleware",
    "config.middleware.BrowserLimits",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "config.denials.RecordDenials",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "config" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
LANGUAGE_CODE = "en-gb"
# Of the portal alone: the admin and the API speak English.
LANGUAGES = [("en-gb", "English"), ("de", "Deutsch")]
LANGUAGE_COOKIE_NAME = "muniment_language"
CSRF_FAILURE_VIEW = "config.api.csrf_failure"
FORMAT_MODULE_PATH = "config.formats"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
# Served from the packages themselves, so that nothing has to be collected first.
WHITENOISE_USE_FINDERS = True
# What weakens or moves the service: a change of any is put on record, without the value.
MUNIMENT_WATCHED_SETTINGS = (
    "ALLOWED_HOSTS",
    "AUTH_PASSWORD_VALIDATORS",
    "CELERY_BROKER_URL",
    "CSRF_TRUSTED_ORIGINS",
    "DEBUG",
    "EMAIL_BACKEND",
    "EMAIL_HOST",
    "MIDDLEWARE",
    "MUNIMENT_BODY_BYTES",
    "MUNIMENT_MAX_MERGE_DELAY",
    "MUNIMENT_ORIGIN",
    "MUNIMENT_PUBLIC_LOG",
    "MUNIMENT_RETENTION_DAYS",
    "MUNIMENT_TSA_ROOTS",
    "MUNIMENT_TSA_URL",
    "MUNIMENT_URL",
    "OAUTH2_PROVIDER",
    "REST_FRAMEWORK",
    "SECURE_HSTS_SECONDS",
    "SESSION_COOKIE_SECURE",
    "STORAGES",
)
# File bytes lie sealed under random names; production puts an S3-compatible storage here.
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "sealed": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": MUNIMENT_FILES, "file_permissions_mode": 0o600},
    },
    # Records that left the database; another storage must never change what it holds either.
    "archive": environment.storage("MUNIMENT_ARCHIVE", MUNIMENT_HOME / "archive"),
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Nothing uploaded touches a disk before it is sealed.
FILE_UPLOAD_HANDLERS = ["config.uploads.MemoryOnly"]
DATA_UPLOAD_MAX_MEMORY_SIZE = MUNIMENT_BODY_BYTES
DATA_UPLOAD_MAX_NUMBER_FILES = 16
LOGIN_URL = "admin:login"
# The form has no field for the page that was wanted when it is opened by its own address.
LOGIN_REDIRECT_URL = "admin:index"
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]  # the domain's owner decides both

# Browsers -------------------------------------------------------------------------------------

MUNIMENT_HTTPS = environment.flag("MUNIMENT_HTTPS", default=not MUNIMENT_EMBEDDED)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = MUNIMENT_HTTPS
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if MUNIMENT_HTTPS else None
SECURE_HSTS_SECONDS = 31_536_000 if MUNIMENT_HTTPS else 0
CSRF_TRUSTED_ORIGINS = environment.words("MUNIMENT_TRUSTED_ORIGINS", "")
SESSION_COOKIE_AGE = int(timedelta(hours=12).total_seconds())
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "muniment_session", "muniment_csrf"
X_FRAME_OPTIONS = "DENY"

# API ------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "consent.authentication.ClientAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["config.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "config.api.Pages",
    "PAGE_SIZE": 50,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.AnonRateThrottle"],
    "DEFAULT_THROTTLE_RATES": {
        "anon": environment.text("MUNIMENT_ANONYMOUS_RATE", "60/min"),
        "refused_attempts": environment.text("MUNIMENT_ATTEMPTS_RATE", "20/min"),
    },
    "NUM_PROXIES": environment.integer("MUNIMENT_PROXIES", 0, least=0, most=9),
    "EXCEPTION_HANDLER": "config.api.problem_of",
    "UNICODE_JSON": True,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Muniment",
    "DESCRIPTION": "The audit trail of AI image generation. Errors are RFC 9457 problem documents.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": True,
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "OAUTH2_FLOWS": ["clientCredentials"],
    "OAUTH2_TOKEN_URL": "/oauth/token/",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "BasisEnum": "config.openapi.BASES",
        "DecisionOutcomeEnum": "config.openapi.DECISION_OUTCOMES",
        "GivenEnum": "config.openapi.GIVEN",
        "IdentifierKindEnum": "config.openapi.IDENTIFIER_KINDS",
        "MediumEnum": "config.openapi.MEDIA",
        "MethodEnum": "config.openapi.METHODS",
        "OutputStateEnum": "config.openapi.OUTPUT_STATES",
        "RemedyEnum": "config.openapi.REMEDIES",
        "RunOutcomeEnum": "config.openapi.RUN_OUTCOMES",
        "RunStateEnum": "config.openapi.RUN_STATES",
        "ThemeEnum": "config.openapi.THEMES",
        "UseEnum": "config.openapi.USES",
    },
}
_PRACTICES = (
    *("IMPLICIT_GRANT", "PASSWORD_GRANT", "PKCE_METHOD", "PKCE_REQUIRED", "REFRESH_TOKEN"),
    *("ACCESS_TOKEN_TRANSPORT", "TOKEN_STORAGE", "AUTHZ_RESPONSE_ISS"),
    *("REDIRECT_URI_SCHEME", "REDIRECT_URI_MATCHING"),
)
OAUTH2_PROVIDER = {
    "OAUTH2_SERVER_CLASS": "oauthlib.oauth2.BackendApplicationServer",  # client credentials only
    "SCOPES_BACKEND_CLASS": "config.oauth.AskedScopes",
    "SCOPES": {
        "releases:read": "See how far imports of old releases are",
        "releases:write": "Bring in old releases",
        "datasets:read": "Read data sets and their versions",
        "datasets:write": "Open data sets, bring in what goes into their versions",
        "decisions:read": "Ask whether consent covers a use",
        "grants:read": "Read what people allowed",
        "grants:write": "Record and withdraw consent",
        "signals:write": "Record what browsers say of people's wishes",
        "lineage:write": "Tell of lineage by OpenLineage events",
        "deliveries:read": "Read to whom something was given",
        "deliveries:write": "Record to whom something was given",
        "impact:read": "Read impact cases",
        "impact:write": "Decide impact cases",
        "lineage:read": "Read what came of what",
        "trainings:read": "Read trainings",
        "trainings:write": "Ask for trainings and report how they ended",
        "models:read": "Read registered models",
        "models:write": "Register models",
        "notices:read": "Read published notices",
        "outputs:read": "Read the state and the marked bytes of outputs",
        "records:read": "Read records with their proofs and receipts",
        "records:write": "Report events that happened elsewhere, many at once",
        "runs:read": "Read runs",
        "runs:write": "Ask for runs and report how they ended",
        "subjects:read": "Find the people that a run may depict",
        "subjects:write": "Register people",
    },
    "DEFAULT_SCOPES": [],
    "ACCESS_TOKEN_EXPIRE_SECONDS": 600,
    # RFC 9700 throughout; TOKEN_STORAGE keeps digests of tokens, never tokens.
    **{f"COMPLIANT_BCP_RFC9700_{practice}": True for practice in _PRACTICES},
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],
}

# Queue: messages carry ids, rows carry the work, results are rows too --------------------------

CELERY_BROKER_URL = environment.text("CELERY_BROKER_URL", "filesystem://")
CELERY_FOLDER = MUNIMENT_HOME / "celery"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True

# Admin ----------------------------------------------------------------------------------------

UNFOLD = {
    "SITE_TITLE": "Muniment",
    "SITE_HEADER": "Muniment",
    "SITE_SUBHEADER": MUNIMENT_ORGANISATION,
    "SITE_SYMBOL": "verified",
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "DASHBOARD_CALLBACK": "config.start_page.show",
    "SIDEBAR": {"navigation": "config.menu.navigation"},
    "STYLES": [lambda _: static("ledger/screens.css")],
    "SITE_FAVICONS": [{"rel": "icon", "href": lambda _: static("ledger/favicon.svg")}],
    "SITE_URL": None,
    "COLORS": {"primary": PRIMARY},
    # Any entry takes away Unfold's own: a change of password off the record.
    "ACCOUNT": {
        "navigation": [{"title": "Glossary", "link": lambda _: reverse("ledger:glossary")}]
    },
}
