<?php
// Composer answers: `order A B` by < = >, `range R V` by in or out; ! where it refuses.
require '/usr/share/php/Composer/Semver/autoload.php';

use Composer\Semver\Constraint\Constraint;
use Composer\Semver\VersionParser;

function answer(VersionParser $parser, string $kind, string $first, string $second): string
{
    $second = $parser->normalize($second);
    if ($kind === 'range') {
        return $parser->parseConstraints($first)->matches(new Constraint('==', $second)) ? 'in' : 'out';
    }
    if (str_starts_with($second, 'dev-') && stripos($first, 'dev-') === 0) {
        return '!'; // Composer never compares branches.
    }
    return '<=>'[1 + version_compare($parser->normalize($first), $second)];
}

$parser = new VersionParser();
while (($line = fgets(STDIN)) !== false) {
    try {
        echo answer($parser, ...explode("\t", rtrim($line, "\n"))), "\n";
    } catch (\Exception $refusal) {
        echo "!\n";
    }
}
