"""The package's metadata for Airflow: the connection type with its form, and the modules of its classes."""

from __future__ import annotations

from typing import Any

#: The how-to guides, as pages of ``docs``.
_GUIDES = (
    "start",
    "connection",
    "operators/open-batch",
    "operators/import-bills",
    "operators/retry-kickouts",
    "operators/kickout-report",
    "operators/update-batch-status",
    "operators/check-bill-file",
    "operators/split-bill-file",
    "operators/create-import-profile",
    "sensors/task",
    "sensors/batch",
    "notifications",
)


def get_provider_info() -> dict[str, Any]:
    """
    Return the provider's metadata (entry point ``apache_airflow_provider``).

    :return: names, modules, and the connection form; Airflow 3.2 and newer show its extra fields.
    """
    return {
        "package-name": "airflow-provider-eci",
        "name": "EnergyCAP",
        "description": "Move utility bills into EnergyCAP: batches, bill imports, kickouts, import profiles.",
        "integrations": [
            {
                "integration-name": "EnergyCAP",
                "external-doc-url": "https://developer.energycap.com/",
                "how-to-guide": [f"/docs/{page}.md" for page in _GUIDES],
                "logo": "/docs/integration-logos/energycap.svg",
                "tags": ["service"],
            }
        ],
        "hooks": [_modules("hooks.eci")],
        "operators": [
            _modules(
                "operators.batch",
                "operators.bill_file",
                "operators.bill_import",
                "operators.import_profile",
                "operators.kickout_report",
                "operators.kickouts",
            )
        ],
        "sensors": [_modules("sensors.batch", "sensors.task")],
        "triggers": [_modules("triggers.batch", "triggers.task")],
        "connection-types": [_connection_type()],
        "extra-links": ["eci_provider.links.EciLink", "eci_provider.links.KickoutReportLink"],
        "notifications": ["eci_provider.notifications.kickouts.EciKickoutNotifier"],
    }


def _modules(*names: str) -> dict[str, Any]:
    return {"integration-name": "EnergyCAP", "python-modules": [f"eci_provider.{name}" for name in names]}


def _connection_type() -> dict[str, Any]:
    """Return the connection type ``eci`` and its form."""
    return {
        "connection-type": "eci",
        "hook-class-name": "eci_provider.hooks.eci.EciHook",
        "hook-name": "EnergyCAP",
        "ui-field-behaviour": {
            "hidden-fields": ["login", "port", "schema"],
            "relabeling": {"host": "Environment URL", "password": "API key"},
            "placeholders": {"host": "https://app.energycap.com"},
        },
        "conn-fields": _connection_fields(),
    }


def _connection_fields() -> dict[str, Any]:
    """Return the form's extra fields; :mod:`eci_provider.hooks.settings` reads them."""
    return {
        "timeout": _field(
            "Read timeout (s)",
            "Seconds to wait for the next bytes of an answer, or for the server to take more of a file.",
            "number",
            60,
            minimum=1,
        ),
        "connect_timeout": _field(
            "Connect timeout (s)", "Seconds to wait for a connection.", "number", 10, minimum=1
        ),
        "max_retries": _field(
            "Retries", "How often a request that is safe to repeat is repeated, at most.", "integer", 3, minimum=0
        ),
        "settle_time": _field(
            "Settle time (s)",
            "Seconds until a request with a lost answer has taken effect, or kickouts have set a batch Pending.",
            "number",
            15,
            minimum=0,
        ),
        "verify": _field("Verify TLS", "true, false, or the path of a CA bundle.", ["string", "boolean"], "true"),
        "allow_http": _field(
            "Allow plain http", "Send the API key over plain http beyond this machine.", "boolean", False
        ),
        "ui_url_template": _field(
            "Link template",
            'URL of "Open in EnergyCAP", with {host}, {batch_id}, {batch_code}, {task_guid} or {task_id}.',
            ["string", "null"],
            None,
        ),
        "deployment": _field(
            "Deployment",
            "Name of this Airflow deployment, if another one runs the same DAGs with this environment.",
            ["string", "null"],
            None,
        ),
    }


def _field(label: str, description: str, kind: str | list[str], default: Any, **bounds: Any) -> dict[str, Any]:
    return {"label": label, "description": description, "schema": {"type": kind, "default": default, **bounds}}
