"""One code for a whole shape and one network for all shapes: DeepSDF and its kin, the baselines of LGCL."""
