# in: container
# fires:
# As glibc asks.
perl -e 'for my $name (@ARGV) {
  my $labels = join("", map { pack("C/a*", $_) } split(/[.]/, $name));
  my $question = pack("n6", 7, 256, 1, 0, 0, 0) . $labels . pack("C n2", 0, 1, 1);
  socket(S, 2, 2, 0); connect(S, pack("S n C4 x8", 2, 53, 127, 0, 0, 1)) or die $!;
  my $vector = pack("P Q", $question, length $question);
  my $message = pack("Q2 P Q5", 0, 0, $vector, 1, 0, 0, 0, 0);
  syscall(307, fileno(S), $message, 1, 0) == 1 or die $! }' registry-1.docker.io kubernetes.default.svc.cluster.local \
  4.3.2.1.in-addr.arpa a-name-of-a-bucket-with-a-hash-0123456789abcdef.s3.amazonaws.com
# The same bytes as a bad one, and sent to nobody that answers questions.
perl -e 'my $labels = join("", map { pack("C/a*", $_) } split(/[.]/, "pool.supportxmr.com"));
  my $question = pack("n6", 7, 256, 1, 0, 0, 0) . $labels . pack("C n2", 0, 1, 1);
  socket(S, 2, 2, 0);
  send(S, $question, 0, pack("S n C4 x8", 2, 514, 127, 0, 0, 1)) or die $!;
  syswrite(STDOUT, $question);'
