# in: host python3 nc.traditional
# fires:
# A shell in a terminal, one below it, and one that a program begins there which is connected and has the
# same terminal.
nc.traditional -l -p 47447 -q 1 < /dev/null > /dev/null &
sleep 0.3
printf 'bash\nexit\nnc.traditional -q 0 127.0.0.1 47448\n%s\nexit\nexit\n' \
  "python3 -c 'import os, socket; socket.create_connection((\"127.0.0.1\", 47447)); os.system(\"bash\")'" > /tmp/lazaret-typed
python3 - <<'PYTHON'
import os, pty, time
pid, master = pty.fork()
if pid == 0:
    os.execv("/bin/bash", ["bash"])
for line in open("/tmp/lazaret-typed"):
    time.sleep(0.3)
    os.write(master, line.encode())
try:
    while os.read(master, 999):
        pass
except OSError:
    os.waitpid(pid, 0)
os.remove("/tmp/lazaret-typed")
PYTHON
