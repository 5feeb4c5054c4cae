"""Many shapes by one small code each: two branches, one of which shares a feature grid between all shapes."""
