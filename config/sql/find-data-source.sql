-- What is live under an id.
include live
