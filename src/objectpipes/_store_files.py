"""Copies single files, such as manifests and indexes, from a store and to a store.

The engine only reads. botocore, which is installed for credentials, writes to S3, and its urllib3
writes to AIStore.
"""

from __future__ import annotations

import os
import shutil
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from . import _engine
from ._importing import importing
from ._store import Store
from .ais_config import AISConfig
from .errors import ServerError, from_native
from .s3_config import S3Config

if TYPE_CHECKING:
    from ._connection import Connection, StoreConfig
    from .errors import ObjectStoreError

# S3 takes parts of at least 5 MiB, and at most 10,000 of them.
_MIN_PART = 64 << 20
_MAX_PARTS = 10_000

_KIND_OF_STATUS = {401: "invalid_credentials", 403: "access_denied", 404: "bucket_not_found"}


def download(url: str, file: IO[bytes], config: StoreConfig | None) -> None:
    """Copy an object to a file."""
    with Store.of(url, config).open(url) as reader:
        shutil.copyfileobj(reader, file, 1 << 20)


def upload(url: str, file: IO[bytes], config: StoreConfig | None) -> None:
    """Copy a whole file to an object."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    config = Store.of(url, config).config
    if isinstance(config, S3Config):
        _upload_to_s3(url, file, size, config)
    elif isinstance(config, AISConfig):
        _upload_to_aistore(url, file, size, config)


def _upload_to_s3(url: str, file: IO[bytes], size: int, config: S3Config) -> None:
    with importing:
        from botocore.exceptions import BotoCoreError, ClientError

    bucket, key, _ = _engine.ext.parse_s3_url(url)
    target = {"Bucket": bucket, "Key": key}
    client = _s3_client(config)
    if config.requester_pays:
        target["RequestPayer"] = "requester"
    try:
        if size <= _MIN_PART:
            client.put_object(**target, Body=file.read())
        else:
            _upload_parts(client, target, file, max(_MIN_PART, -(-size // _MAX_PARTS)))
    except ClientError as error:
        details = error.response.get("Error", {})
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        raise _refused(url, status, details.get("Code", ""), str(error)) from error
    except BotoCoreError as error:
        raise from_native("endpoint", str(error), url=url) from error
    finally:
        client.close()


def _upload_parts(client: Any, target: dict[str, str], file: IO[bytes], size: int) -> None:
    upload_id = client.create_multipart_upload(**target)["UploadId"]
    try:
        parts: list[dict[str, Any]] = []
        while data := file.read(size):
            number = len(parts) + 1
            reply = client.upload_part(**target, UploadId=upload_id, PartNumber=number, Body=data)
            parts.append({"ETag": reply["ETag"], "PartNumber": number})
        client.complete_multipart_upload(
            **target, UploadId=upload_id, MultipartUpload={"Parts": parts}
        )
    except BaseException:
        client.abort_multipart_upload(**target, UploadId=upload_id)
        raise


def _s3_client(config: S3Config) -> Any:
    with importing:
        from botocore import UNSIGNED
        from botocore.config import Config
        from botocore.session import Session

    resolved = config.resolve()
    connection = resolved.connection
    credentials = config.credentials_provider().get()
    # Only AWS needs the region, and redirects a request with the wrong one.
    region = resolved.region or "us-east-1"
    endpoint_url = connection.endpoint_url.replace("{region}", region)
    proxy = connection.proxy_for(endpoint_url)
    return Session().create_client(
        "s3",
        region_name=region,
        endpoint_url=endpoint_url,
        verify=_verify(connection),
        aws_access_key_id=credentials.access_key if credentials else None,
        aws_secret_access_key=credentials.secret_key if credentials else None,
        aws_session_token=credentials.session_token or None if credentials else None,
        config=Config(
            signature_version="s3v4" if credentials else UNSIGNED,
            connect_timeout=connection.connect_timeout,
            read_timeout=connection.stall_timeout,
            client_cert=(connection.client_cert, connection.client_key)
            if connection.client_cert
            else None,
            retries={"total_max_attempts": connection.max_attempts},
            proxies={"http": proxy, "https": proxy} if proxy else None,
            s3={"addressing_style": resolved.addressing_style},  # type: ignore[arg-type]
        ),
    )


def _verify(connection: Connection) -> bool | str:
    if not connection.verify_tls:
        return False
    return connection.ca.file or connection.ca.path or True


def _upload_to_aistore(url: str, file: IO[bytes], size: int, config: AISConfig) -> None:
    """Ask a gateway for the object's target, and write to that."""
    with importing:
        import urllib3

    bucket, key, _ = _engine.ext.parse_ais_url(url)
    provider, namespace, name = bucket.split("/", 2)
    query = f"provider={provider}" + ("" if namespace == "@#" else f"&namespace={quote(namespace)}")
    connection = config.resolve()
    token = config.credentials_provider().get()
    headers = {"Authorization": f"Bearer {token.session_token}"} if token else {}
    address = f"{connection.endpoint_url}/v1/objects/{name}/{quote(key, safe='/')}?{query}"
    try:
        with _pool(connection, address) as gateway:
            reply = gateway.request("PUT", address, headers=headers, body=b"", redirect=False)
        target = reply.headers.get("Location", "")
        if reply.status in (301, 302, 307, 308):
            if urlsplit(target).scheme != urlsplit(address).scheme:
                raise ServerError(
                    f"The cluster redirects the upload to {target}, which has another scheme than"
                    " the gateway",
                    url=url,
                )
            headers["Content-Length"] = str(size)
            with _pool(connection, target) as pool:
                reply = pool.request(
                    "PUT", target, headers=headers, body=file, redirect=False, retries=False
                )
    except urllib3.exceptions.HTTPError as error:
        raise from_native("endpoint", str(error), url=url) from error
    if reply.status != 200:
        raise _refused(url, reply.status, "", reply.data[:300].decode(errors="replace"))


def _pool(connection: Connection, url: str) -> Any:
    with importing:
        import urllib3

    options: dict[str, Any] = {
        "timeout": urllib3.Timeout(
            connect=connection.connect_timeout, read=connection.stall_timeout
        ),
        "cert_reqs": "CERT_REQUIRED" if connection.verify_tls else "CERT_NONE",
        "ca_certs": connection.ca.file or None,
        "ca_cert_dir": connection.ca.path or None,
    }
    if connection.client_cert:
        options.update(cert_file=connection.client_cert, key_file=connection.client_key)
    if proxy := connection.proxy_for(url):
        return urllib3.ProxyManager(proxy, **options)
    return urllib3.PoolManager(**options)


def _refused(url: str, status: int, code: str, message: str) -> ObjectStoreError:
    kind = _KIND_OF_STATUS.get(status, "server")
    return from_native(
        kind, f"The object cannot be written: {message}", url=url, status=status, code=code
    )
