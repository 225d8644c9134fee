"""S3's error document, and the exception that becomes one."""

from collections.abc import Mapping
from email.utils import formatdate
from xml.sax.saxutils import escape

from .messages import Headers, Reply, Request


class S3Error(Exception):
    """Ends a request with an error document.

    Parameters
    ----------
    status : int
        Status of the reply.
    code : str
        S3's error code.
    details : Mapping[str, str], optional
        Further elements of the document.
    headers : Mapping[str, str], optional
        Further headers of the reply.
    """

    def __init__(
        self,
        status: int,
        code: str,
        details: Mapping[str, str] | None = None,
        headers: Headers | None = None,
    ) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.details = details or {}
        self.headers = headers or {}

    def reply(self, request: Request) -> Reply:
        """Return the reply to `request`."""
        elements = {
            "Code": self.code,
            "Message": f"{self.code}, says the fault server.",
            **self.details,
            "Resource": request.path,
            "RequestId": request.id,
        }
        text = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in elements.items())
        body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{text}</Error>'
        headers = {**common_headers(request), "Content-Type": "application/xml", **self.headers}
        return Reply(self.status, headers).with_body(body.encode())


def common_headers(request: Request) -> dict[str, str]:
    """Return the headers that S3 puts into every reply."""
    return {"x-amz-request-id": request.id, "Date": formatdate(usegmt=True)}
