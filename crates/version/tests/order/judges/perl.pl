# Perl answers: `order A B` by < = >; ! where it refuses.
use strict;
use version;

# Numbers that are too long are said to be, and then taken for the longest there are.
local $SIG{__WARN__} = sub { };
while (my $line = <STDIN>) {
    chomp $line;
    my (undef, $one, $other) = split /\t/, $line, -1;
    my $order = eval { version->parse($one) <=> version->parse($other) };
    print defined $order ? ("<", "=", ">")[$order + 1] : "!", "\n";
}
