"""A directory in an SQLite database, behind django-scim2: `serve.py PORT TOKEN`. It is kept in the working directory."""

import sys
from types import SimpleNamespace

import django
from django.conf import settings
from django.core.management import call_command
from django.urls import include, path

port, token = sys.argv[1:]


def signed_in(get_response):
    """Who shows the token is signed in; django-scim2 refuses everybody else."""

    def middleware(request):
        shows_token = request.headers.get("Authorization") == f"Bearer {token}"
        request.user = SimpleNamespace(is_authenticated=shows_token)
        return get_response(request)

    return middleware


settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    # Writers wait for each other, instead of failing.
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": "directory.db",
            "OPTIONS": {"timeout": 60, "transaction_mode": "IMMEDIATE"},
        }
    },
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django_scim", "directory"],
    AUTH_USER_MODEL="directory.User",
    # Tables are made from the models at once.
    MIGRATION_MODULES={"auth": None, "contenttypes": None},
    MIDDLEWARE=[f"{__name__}.signed_in"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    SCIM_SERVICE_PROVIDER={
        "SCHEME": "http",
        "NETLOC": f"127.0.0.1:{port}",
        "GROUP_MODEL": "directory.models.Group",
        "AUTHENTICATION_SCHEMES": [{"type": "oauthbearertoken", "name": "Token", "description": "A fixed token"}],
    },
)
django.setup()
urlpatterns = [path("scim/v2/", include("django_scim.urls"))]

call_command("migrate", run_syncdb=True, verbosity=0)
call_command("runserver", f"127.0.0.1:{port}", use_reloader=False, skip_checks=True)
