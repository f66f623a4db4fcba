module example.org/harbour

go 1.16

require example.org/rope v1.0.0
