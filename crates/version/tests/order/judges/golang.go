// The Go project's own semver answers: `order A B` by < = >; ! where it refuses.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"judge/semver"
)

func main() {
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		fields := strings.Split(lines.Text(), "\t")
		if !semver.IsValid(fields[1]) || !semver.IsValid(fields[2]) {
			fmt.Fprintln(out, "!")
			continue
		}
		fmt.Fprintln(out, string("<=>"[1+semver.Compare(fields[1], fields[2])]))
	}
}
