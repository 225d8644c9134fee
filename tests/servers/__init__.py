"""Real servers on loopback, for tests, benchmarks and demonstrations; see README.md."""

from .aistore import AIStore, AIStoreError, Node
from .errors import ServerStartError, ServerUnavailable
from .minio import Minio
from .moto import Moto
from .nginx import Nginx
from .process import Process
from .s3 import S3Server
from .seaweed import Seaweed
from .server import Server

__all__ = [
    "AIStore",
    "AIStoreError",
    "Minio",
    "Moto",
    "Nginx",
    "Node",
    "Process",
    "S3Server",
    "Seaweed",
    "Server",
    "ServerStartError",
    "ServerUnavailable",
]
