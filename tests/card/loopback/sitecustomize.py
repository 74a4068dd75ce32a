# Python reads this at its start when this folder is on PYTHONPATH. A server that wants every address of the machine gets
# 127.0.0.1, so that no test can be reached from elsewhere.
import socket


class LoopbackSocket(socket.socket):
    def __init__(self, family=-1, *rest, **more):
        super().__init__(socket.AF_INET if family == socket.AF_INET6 else family, *rest, **more)

    def bind(self, address):
        if isinstance(address, tuple):
            address = ("127.0.0.1", *address[1:2])
        super().bind(address)


socket.socket = LoopbackSocket
