"""Django as a team would run it: the same server, persistent connections, nothing switched on that costs."""

import os

SECRET_KEY = "of no use: there are no sessions and no pages"
DEBUG = False
USE_TZ = True
TIME_ZONE = "Asia/Shanghai"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django_fsm_log", "pilots"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": os.environ.get("BENCH_DATABASE", ""),
        "HOST": os.environ.get("BENCH_HOST", ""),
        "USER": "postgres",
        "CONN_MAX_AGE": None,
    }
}
