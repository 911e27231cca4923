from django.apps import AppConfig


class OptimizeSourcesConfig(AppConfig):
    name = "optimize_sources"
    verbose_name = "Optimize"
