module example.org/tide

go 1.19

require (
	example.org/moon v1.4.0 // indirect
	example.org/reef/v2 v2.0.1 // indirect
)
