module example.org/harbour

go 1.22

require(
	golang.org/x/net v0.1.0
	golang.org/x/text v0.3.0 // indirect
)

replace(
	golang.org/x/text => golang.org/x/text v0.4.0
)
