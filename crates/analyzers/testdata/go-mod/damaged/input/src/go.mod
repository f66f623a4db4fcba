module
require (
	)
)
require ( 
example.org/half
replace =>
ÿþ v1
example.org/whole v1.0.0
