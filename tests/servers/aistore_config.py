"""AIStore's configuration files; a section left out has AIStore's defaults."""

from pathlib import Path
from typing import Any

from .tls import Certificate


def cluster_configuration(
    endpoint: str,
    *,
    certificate: Certificate | None,
    signing_key: str | None,
    quick_failover: bool,
) -> dict[str, Any]:
    """Return what all nodes share.

    Parameters
    ----------
    endpoint : str
        URL of the proxy.
    certificate : Certificate, optional
        Switches HTTPS on.
    signing_key : str, optional
        Switches tokens on, signed with it.
    quick_failover : bool
        Take nodes for dead soon.
    """
    configuration: dict[str, Any] = {
        "backend": {},
        "auth": {},
        "proxy": {
            "primary_url": endpoint,
            "original_url": endpoint,
            "discovery_url": "",
            "non_electable": False,
        },
        "timeout": {
            "cplane_operation": "2s",
            "max_keepalive": "5s",
            "cold_get_conflict": "5s",
            "max_host_busy": "20s",
            "startup_time": "30s",
            "join_startup_time": "60s",
            "send_file_time": "5m",
            "ec_streams_time": "10m",
            "object_md": "2h",
        },
        # By default nothing is stored on a disk that is fuller than 95 %.
        "space": {"cleanupwm": 97, "lowwm": 98, "highwm": 99, "out_of_space": 100},
        "memsys": {
            "min_free": "1gb",
            "default_buf": "32kb",
            "to_gc": "1gb",
            "hk_time": "3m",
            "min_pct_total": 0,
            "min_pct_free": 0,
        },
        "log": {"level": "3", "to_stderr": True},
        "net": {
            "l4": {"proto": "tcp", "sndrcv_buf_size": 131072},
            "http": {
                "use_https": certificate is not None,
                "server_crt": str(certificate.certificate) if certificate else "",
                "server_key": str(certificate.key) if certificate else "",
                "skip_verify": certificate is not None,  # between nodes
                "idle_conn_time": "6s",
                "idle_conns_per_host": 32,
                "idle_conns": 256,
                "chunked_transfer": True,
            },
        },
    }
    if signing_key:
        signature = {"method": "HMAC", "key": signing_key}
        configuration["auth"] = {"client_auth_required": True, "signature": signature}
    if quick_failover:
        tracker = {"name": "heartbeat", "interval": "1s", "factor": 3}
        configuration["keepalivetracker"] = {
            "proxy": tracker,
            "target": tracker,
            "num_retries": 1,
            "retry_factor": 1,
        }
    return configuration


def node_configuration(directory: Path, port: int, cluster_port: int) -> dict[str, Any]:
    """Return what one node has for itself: its ports, and its directory for everything."""
    return {
        "confdir": str(directory),
        "log_dir": str(directory),
        "host_net": {
            "hostname": "127.0.0.1",
            "hostname_intra_control": "127.0.0.1",
            "hostname_intra_data": "127.0.0.1",
            "port": str(port),
            "port_intra_control": str(cluster_port),
            "port_intra_data": str(cluster_port),
        },
        "fspaths": {},
        "test_fspaths": {"root": str(directory / "data"), "count": 2, "instance": 1},
    }
