"""What the S3 servers have in common."""

import functools
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import quote

import botocore.session
import urllib3
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from .server import CONNECTIONS, Server


class S3Server(Server):
    """A server that speaks S3, addressed by path.

    Attributes
    ----------
    access_key, secret_key, region : str
        What its requests are to be signed with.
    """

    access_key: ClassVar[str] = "testkey"
    secret_key: ClassVar[str] = "testsecret1"
    region: ClassVar[str] = "us-east-1"

    @functools.cached_property
    def client(self) -> Any:
        """A botocore client of the server; threads may share it."""
        client = botocore.session.Session().create_client(
            "s3",
            region_name=self.region,
            endpoint_url=self.endpoint,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            verify=str(self.ca_file) if self.ca_file else None,
            config=Config(
                s3={"addressing_style": "path"}, proxies={}, max_pool_connections=CONNECTIONS
            ),
        )
        self._cleanup.callback(client.close)
        return client

    def create_bucket(self, bucket: str) -> None:
        """Create a bucket."""
        self.client.create_bucket(Bucket=bucket)

    def put(self, bucket: str, key: str, data: bytes) -> None:
        """Store an object."""
        self.client.put_object(Bucket=bucket, Key=key, Body=data)

    def put_many(self, bucket: str, objects: Mapping[str, bytes]) -> None:
        """Store thousands of objects: as `put`, at less than half the cost, no checksums."""
        signer = S3SigV4Auth(Credentials(self.access_key, self.secret_key), "s3", self.region)
        for key, data in objects.items():
            url = f"{self.endpoint}/{bucket}/{quote(key)}"
            request = AWSRequest("PUT", url, data=data)
            signer.add_auth(request)
            reply = self._http.request("PUT", url, body=data, headers=dict(request.headers))
            if reply.status != 200:
                raise urllib3.exceptions.HTTPError(f"PUT {url}: {reply.status} {reply.data!r}")

    def environment(self) -> Mapping[str, str]:
        variables = {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": self.region,
        }
        if self.ca_file:
            variables["AWS_CA_BUNDLE"] = str(self.ca_file)
        return variables
