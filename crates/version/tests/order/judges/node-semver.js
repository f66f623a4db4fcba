// npm's `semver` answers: `order A B` by < = >, `range R V` by in or out; ! where it refuses.
const semver = require("semver");
const options = { loose: true };
// "Loose" cuts the last number in two (1.2.34.5 is 1.2.3-4.5 to it): nothing to agree with.
const absurd = /^[v=\s]*\d+\.\d+\.\d+(\.|-(\.|\+|$))/;

function answer([kind, first, second]) {
  if (kind === "order" && (absurd.test(first) || absurd.test(second))) return "!";
  if (kind === "order") return "<=>"[1 + semver.compare(first, second, options)];
  new semver.SemVer(second);
  return new semver.Range(first).test(second) ? "in" : "out";
}

const lines = require("fs").readFileSync(0, "utf8").split("\n").slice(0, -1);
const answers = lines.map((line) => {
  try {
    return answer(line.split("\t"));
  } catch {
    return "!";
  }
});
require("fs").writeFileSync(1, answers.join("\n") + "\n");
