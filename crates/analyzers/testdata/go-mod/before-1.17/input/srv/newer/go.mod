module example.org/newer

go 1.21rc2

require example.org/mast v1.0.0
