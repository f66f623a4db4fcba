# in: host python3 nc.traditional
# fires: execution-relayed-shell
sleep 2 | nc.traditional -l -p 47446 -q 1 > /dev/null &
sleep 0.3
python3 - <<'PYTHON'
import os, pty, socket
connection = socket.create_connection(("127.0.0.1", 47446))
pid, master = pty.fork()
if pid == 0:
    os.execv("/bin/bash", ["journal"])
os.write(master, b"exit\n")
try:
    while os.read(master, 999):
        pass
except OSError:
    os.waitpid(pid, 0)
PYTHON
