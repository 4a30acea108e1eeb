"""Methods without labels, a module each: parameters, loss, what is worth telling."""
