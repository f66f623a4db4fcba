module example.org/unsaid

require example.org/knot v1.0.0
