module example.org/tide

go 1.19

require example.org/single v0.9.0 // a comment

exclude example.org/bad v1.0.0

retract [v1.0.0, v1.1.0]

require (
	example.org/local v1.0.0
	example.org/moon v1.4.0
	example.org/reef/v2 v2.0.1
	example.org/tidal v1.0.0
)

replace example.org/local => ./local

replace example.org/tidal => example.org/tidal-fork v0.0.0-20240102030405-0123456789ab
