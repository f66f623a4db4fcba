# in: container
# fires:
# A script that takes its work from a named pipe, and one that writes a log into one.
mkdir -p /run/service
mkfifo /run/service/jobs /run/service/log
printf 'while read -r job; do echo "$job"; done\n' > /run/service/worker
echo one > /run/service/jobs &
sh /run/service/worker < /run/service/jobs | cat
cat /run/service/log &
sh /run/service/worker < /dev/null > /run/service/log
echo 'id' | sh > /dev/null
