"""Local codes at key points, made by a network on their graph, and one small decoder for all of them (LGCL)."""
