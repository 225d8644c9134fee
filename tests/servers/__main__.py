"""The command line: install servers, start them until interrupted, list them."""

import argparse
import contextlib
import signal
import sys
from collections.abc import Sequence

from . import AIStore, Minio, Moto, Nginx, Seaweed, Server, ServerStartError, ServerUnavailable
from .aistore import ERASURE_CODED, MIRRORED

_SERVERS: dict[str, type[Server]] = {
    server.name: server for server in (Minio, Seaweed, Moto, AIStore, Nginx)
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    options = _parse(arguments)
    try:
        return int(options.command(options))
    except (ServerUnavailable, ServerStartError) as error:
        print(error, file=sys.stderr)
        return 1


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/servers", description="Servers of the tests.")
    commands = parser.add_subparsers(required=True)

    install = commands.add_parser("install", help="get the programs; compiling takes minutes")
    install.add_argument(
        "servers", nargs="*", type=_server, default=_SERVERS.values(), metavar="NAME"
    )
    install.set_defaults(command=_install)

    start = commands.add_parser("start", help="start servers, until Ctrl-C; prints their settings")
    start.add_argument("servers", nargs="+", type=_server, metavar="NAME")
    start.add_argument("--targets", type=int, default=3, help="of aistore (default: %(default)s)")
    start.add_argument("--tls", action="store_true", help="HTTPS: minio, aistore")
    start.add_argument("--auth", action="store_true", help="tokens: aistore")
    start.add_argument("--mirrored", metavar="BUCKET", help="make one that keeps copies: aistore")
    start.add_argument(
        "--erasure-coded", metavar="BUCKET", help="make one that survives a lost target: aistore"
    )
    start.set_defaults(command=_start)

    show = commands.add_parser("list", help="tell which servers there are, and which installed")
    show.set_defaults(command=_list)
    return parser.parse_args(arguments)


def _server(name: str) -> type[Server]:
    try:
        return _SERVERS[name]
    except KeyError:
        raise argparse.ArgumentTypeError(f"there are {', '.join(_SERVERS)}") from None


def _install(options: argparse.Namespace) -> int:
    status = 0
    for server in options.servers:
        try:
            print(f"{server.name:10}{server.program.install()}", flush=True)
        except ServerUnavailable as error:
            print(error, file=sys.stderr)
            status = 1
    return status


def _start(options: argparse.Namespace) -> int:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    servers = [_create(server, options) for server in options.servers]
    with contextlib.ExitStack() as running, contextlib.suppress(KeyboardInterrupt):
        for server in servers:
            running.callback(server.stop)
            server.start()
        for server in servers:
            server.wait_ready()
            if isinstance(server, AIStore):
                _make_buckets(server, options)
            print(f"# {server.name}")
            for variable, value in server.environment().items():
                print(f"{variable}={value}", flush=True)
        signal.pause()
    return 0


def _create(server: type[Server], options: argparse.Namespace) -> Server:
    if server is AIStore:
        return AIStore(options.targets, tls=options.tls, auth=options.auth)
    if server is Minio:
        return Minio(tls=options.tls)
    return server()


def _make_buckets(cluster: AIStore, options: argparse.Namespace) -> None:
    for bucket, props in ((options.mirrored, MIRRORED), (options.erasure_coded, ERASURE_CODED)):
        if bucket:
            cluster.create_bucket(bucket, props)


def _list(options: argparse.Namespace) -> int:
    for name, server in _SERVERS.items():
        print(f"{name:10}{server.program.find() or 'not installed'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
