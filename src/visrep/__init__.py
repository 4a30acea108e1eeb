"""One pipeline of cached stages that carries images to results: training, attacks, embeddings and their evaluation."""
