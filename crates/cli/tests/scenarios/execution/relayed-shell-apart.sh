# in: container
# fires:
# Who has a connection begins shells all day: with commands, with scripts, with what it writes itself
# behind another shell, and some that have its own input.
sleep 2 | nc -l -p 4457 &
sleep 0.3
printf 'while read -r line; do echo "$line"; done\n' > /tmp/each
perl -e 'socket(S, 2, 1, 6); connect(S, pack("S n C4 x8", 2, 4457, 127, 0, 0, 1)) or die $!;
  open(TO, "|-", "sh", "-c", "cat") and print TO "a\n"; close(TO);
  open(TO, "|-", "sh", "/tmp/each") and print TO "a\n"; close(TO);
  open(TO, "|-", "sh", "-s", "all") and print TO "true\n"; close(TO);
  system("echo true | sh"); system("sh"); system("sh", "-c", "echo true | bash -s; true")'
