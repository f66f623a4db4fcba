module example.org/x

go 1.12

require example.org/sail v1.0.0
