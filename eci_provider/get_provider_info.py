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
    "operators/prepare-bill-file",
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
                "operators.bill_preparation",
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
            "hidden-fields": ["login", "schema"],
            "relabeling": {"host": "Environment URL", "password": "API key"},
            "placeholders": {
                "host": "https://app.energycap.com",
                "password": "Created in EnergyCAP, by a user who may import bills",
                # Airflow 3.3 tests no stored connection without a port: it compares the 0 of its page with null.
                "port": "443 (needed for the Test button)",
            },
        },
        "conn-fields": _connection_fields(),
    }


_NETWORK, _RETRIES, _LINKS = "Network and TLS", "Retries and lost answers", "Links in Airflow"


def _connection_fields() -> dict[str, Any]:
    """
    Return the form's extra fields, the most important first; :mod:`eci_provider.hooks.settings` reads them.

    Airflow marks a field as required unless its type allows null, and shows one section at a time.
    """
    return {
        "verify": _field(
            _NETWORK,
            "Check the TLS certificate",
            "Whether EnergyCAP must prove that it is EnergyCAP.",
            # Older connections have a boolean, or the path of CA certificates.
            ["string", "boolean", "null"],
            "true",
            enum=["true", "false"],
            values_display={"true": "Yes", "false": "No: anyone on the way could read the API key"},
        ),
        "ca_bundle": _field(
            _NETWORK,
            "CA certificates",
            "Path of a file or folder on every worker, if your network has a certificate authority of its own.",
            ["string", "null"],
            None,
        ),
        "timeout": _field(
            _NETWORK,
            "Seconds to wait for an answer",
            "A request fails after this time without any progress, in sending or receiving.",
            ["number", "null"],
            60,
            minimum=1,
        ),
        "connect_timeout": _field(
            _NETWORK,
            "Seconds to wait for a connection",
            "TLS included.",
            ["number", "null"],
            10,
            minimum=1,
        ),
        "allow_http": _field(
            _NETWORK,
            "Allow http to other machines",
            "Sends the API key unencrypted: for a sandbox only.",
            ["boolean", "null"],
            False,
        ),
        "max_retries": _field(
            _RETRIES,
            "Retries for safe requests",
            "How often a request is sent again if that is safe, at most.",
            ["integer", "null"],
            3,
            minimum=0,
        ),
        "settle_time": _field(
            _RETRIES,
            "Seconds to settle after a lost answer",
            "How long EnergyCAP may need until a change can be seen. The provider waits this long before it "
            "sends such a request again.",
            ["number", "null"],
            15,
            minimum=0,
        ),
        "deployment": _field(
            _RETRIES,
            "Name of this Airflow",
            "Needed if another Airflow runs the same DAGs with the same EnergyCAP, such as staging.",
            ["string", "null"],
            None,
        ),
        "ui_url_template": _field(
            _LINKS,
            'URL of "Open in EnergyCAP"',
            "With {host}, {batch_id}, {batch_code}, {task_guid} or {task_id}. Of several URLs, separated by "
            "spaces, the first is taken whose parts are known.",
            ["string", "null"],
            None,
        ),
        "report_url_template": _field(
            _LINKS,
            'URL of "Kickout report"',
            "With {url}, {bucket}, {path} or {name} of the report. Empty: the console of S3 or Google Cloud "
            "Storage, and no link for other places.",
            ["string", "null"],
            None,
        ),
    }


def _field(
    section: str, label: str, description: str, kind: list[str], default: Any, **more: Any
) -> dict[str, Any]:
    schema = {"type": kind, "default": default, "section": section, **more}
    return {"label": label, "description": description, "schema": schema}
