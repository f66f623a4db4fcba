# in: container
# fires: network-mining-name
# As Go asks.
perl -e 'for my $name (@ARGV) {
  my $labels = join("", map { pack("C/a*", $_) } split(/[.]/, $name));
  my $question = pack("n6", 7, 256, 1, 0, 0, 0) . $labels . pack("C n2", 0, 1, 1);
  socket(S, 2, 2, 0); connect(S, pack("S n C4 x8", 2, 53, 127, 0, 0, 1)) or die $!;
  syswrite(S, $question) or die $!; }' pool.supportxmr.com
