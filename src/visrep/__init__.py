"""One study of images, one graph: losses, attacks, training and the exactness of what is cached."""
