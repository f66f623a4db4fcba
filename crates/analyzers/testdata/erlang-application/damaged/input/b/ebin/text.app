not a term
