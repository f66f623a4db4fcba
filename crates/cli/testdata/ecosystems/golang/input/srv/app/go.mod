module example.org/tide

go 1.21

require golang.org/x/net v0.16.0
