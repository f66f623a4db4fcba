# in: host python3
# fires: execution-reverse-shell
python3 - <<'PYTHON'
import os, socket
listener = socket.create_server(("127.0.0.1", 0))
connection = socket.create_connection(listener.getsockname())
listener.accept()[0].close()
for stream in (0, 1, 2):
    os.dup2(connection.fileno(), stream)
os.execv("/bin/sh", ["worker"])
PYTHON
